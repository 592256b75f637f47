//! One test binary for the whole product: each module is a chapter.
