import { defineConfig } from "vite";
import { fonts } from "./fonts.mjs";

// The console is served below /console/ by the server that embeds it.
export default defineConfig({
  base: "/console/",
  plugins: [fonts()],
  build: {
    outDir: "dist",
    // dist/.gitkeep stays, so that the server compiles without a built console.
    emptyOutDir: false,
    chunkSizeWarningLimit: 2000,
    // Fonts are files, which the content policy and the cache know.
    assetsInlineLimit: 0,
    rolldownOptions: {
      onLog(level, log, handler) {
        // The components mark themselves for React servers, which we have not.
        if (log.code !== "MODULE_LEVEL_DIRECTIVE") handler(level, log);
      },
    },
  },
});
