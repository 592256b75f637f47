//! The whole product, from outside: every module is a chapter, every test a promise. One binary, so that it links once.
//! Start with [`meeting`]: the product on one page.

mod devices;
mod hosts;
mod meeting;
mod megaphone;
mod network;
mod offline;
mod pictures;
mod protection;
mod refusals;
mod rights;
mod screen;
mod secrets;
mod share_sound;
mod stranger;
mod thin_link;
mod tiles;
mod watermark;
