// Builds the console's page into dist/, as plain files: no inline script or style, so that the strict content security
// policy of the server holds, and nothing that comes from another host.
import { defineConfig } from "vite";

export default defineConfig({
  root: import.meta.dirname,
  base: "./",
  build: {
    outDir: "dist",
    emptyOutDir: true,
    // The first ones with light-dark() in style sheets.
    target: ["chrome123", "edge123", "firefox120", "safari17.5"],
    // These would be scripts and images written into the page.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
  },
});
