//! Tells Tauri which commands exist, so that every one of them is denied until a capability file allows it.
//! Run by cargo before the crate is compiled. Writes nothing but a page that says the face is missing, where it is.

use std::path::Path;

#[path = "src/commands/names.rs"]
mod names;

/// Where `npm run ui:build` puts the page.
const PAGE: &str = "../ui/dist";

fn main() -> std::io::Result<()> {
    // The window compiles (and is type-checked for other systems) before the page was ever built.
    let page = Path::new(PAGE);
    if !page.join("index.html").exists() {
        std::fs::create_dir_all(page)?;
        std::fs::write(page.join("index.html"), MISSING)?;
    }
    println!("cargo:rerun-if-changed={PAGE}");
    println!("cargo:rerun-if-changed=src/commands/names.rs");
    println!("cargo:rerun-if-changed=capabilities");
    let manifest = tauri_build::AppManifest::new().commands(names::NAMES);
    tauri_build::try_build(tauri_build::Attributes::new().app_manifest(manifest)).map_err(std::io::Error::other)
}

/// What the window shows when the face was not built.
const MISSING: &str = "<!doctype html><meta charset=\"utf-8\"><title>Shoji</title>\
<p lang=\"ja\">画面がまだ組み立てられていません。<code>npm run ui:build</code> を実行してください。</p>\
<p lang=\"en\">The page is not built yet: run <code>npm run ui:build</code>.</p>";
