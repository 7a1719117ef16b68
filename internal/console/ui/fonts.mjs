// The components' own typeface stands in their style sheet as text, all eight
// cuts of it, two thirds of the sheet. This plug-in of the build makes files of
// them, so that a browser fetches the cuts that a page shows, and reads less
// before it shows anything.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const folder = join(dirname(fileURLToPath(import.meta.url)), "node_modules/.fonts");

export function fonts() {
  return {
    name: "fonts",
    enforce: "pre",
    transform: {
      filter: { id: /global-styles\/index\.css$/ },
      handler(code) {
        mkdirSync(folder, { recursive: true });
        let n = 0;
        return code.replace(/url\(['"]?data:font\/woff2;base64,([^'")]+)['"]?\)/g, (_, body) => {
          const file = join(folder, `open-sans-${++n}.woff2`);
          writeFileSync(file, Buffer.from(body, "base64"));
          return `url("${file}")`;
        });
      },
    },
  };
}
