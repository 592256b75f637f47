//! Two peers, wired in memory, in virtual time.
