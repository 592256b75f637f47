//! The inspection: the whole product from outside.
