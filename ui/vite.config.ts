//! How the page is built, served and tested. Run by `npm run ui:*`; the window loads ui/dist and nothing else.
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// The same policy the window sets, so that `npm run ui:preview` shows at once what it would refuse.
const CSP =
  "default-src 'self'; img-src 'self' data: blob:; style-src 'self'; script-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'";

export default defineConfig(({ command, mode }) => ({
  root: import.meta.dirname,
  base: "./",
  // The rehearsal meeting is for a plain browser; a product build does not contain it.
  define: { __REHEARSAL__: JSON.stringify(command === "serve" || mode === "rehearsal" || mode === "test") },
  plugins: [react()],
  server: { port: 5173, strictPort: true, host: "127.0.0.1" },
  preview: { port: 4173, strictPort: true, host: "127.0.0.1", headers: { "Content-Security-Policy": CSP } },
  build: {
    outDir: "dist",
    emptyOutDir: true,
    target: "es2022",
    // Inlined data: fonts or scripts would need a wider policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 900,
  },
  css: { modules: { generateScopedName: "[name]_[local]_[hash:base64:4]" } },
  test: {
    environment: "happy-dom",
    include: ["src/**/*.test.{ts,tsx}", "test/**/*.test.{ts,tsx}"],
    setupFiles: ["./test/setup.ts"],
    css: { modules: { classNameStrategy: "non-scoped" } },
    testTimeout: 60_000,
    restoreMocks: true,
  },
}));
