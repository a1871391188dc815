// Copies what the pages load out of node_modules into the static folder (run by `make assets`).
// Nothing third-party is committed: the lock file pins each package by its hash, this file names what we take.
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const modules = join(root, "node_modules");
const target = join(root, "src/medloom/interfaces/web/static/vendor");
const draft = `${target}.tmp`;

const FILES = [
  ["@tabler/core", "dist/css/tabler.min.css"],
  ["@tabler/core", "dist/js/tabler.min.js"],
  ["htmx.org", "dist/htmx.min.js"],
  ["htmx-ext-sse", "dist/sse.min.js", "htmx-ext-sse.min.js"],
  ["idiomorph", "dist/idiomorph-ext.min.js"],
  ["echarts", "dist/echarts.min.js"],
  ["cytoscape", "dist/cytoscape.min.js"],
  ["elkjs", "lib/elk.bundled.js"],
  ["cytoscape-elk", "dist/cytoscape-elk.js"],
  ["flatpickr", "dist/flatpickr.min.css"],
  ["flatpickr", "dist/flatpickr.min.js"],
  ["flatpickr", "dist/l10n/zh.js", "flatpickr-zh.js"],
  ["axe-core", "axe.min.js"], // read by the browser tests, loaded by no page
];

// Letters of printed documents (PDF): Chinese and Latin in one font; no page loads it.
const FONTS = ["400Regular/NotoSansSC_400Regular.ttf", "700Bold/NotoSansSC_700Bold.ttf"];
const FONT_PACKAGE = "@expo-google-fonts/noto-sans-sc";

function described(name) {
  return JSON.parse(readFileSync(join(modules, name, "package.json"), "utf8"));
}

rmSync(draft, { recursive: true, force: true });
mkdirSync(join(draft, "icons"), { recursive: true });

const manifest = [];
for (const [name, path, as] of FILES) {
  // A map that is not shipped would be a 404 in every browser's console, and an error for hashed static names.
  const text = readFileSync(join(modules, name, path), "utf8")
    .replace(/\n?\/\/# sourceMappingURL=\S+\s*$/, "\n")
    .replace(/\n?\/\*# sourceMappingURL=[^*]+\*\/\s*$/, "\n");
  const file = as ?? basename(path);
  writeFileSync(join(draft, file), text);
  const { version, license } = described(name);
  const sha256 = createHash("sha256").update(text).digest("hex");
  manifest.push({ file, package: name, version, license, sha256 });
}

// Icons are put inline by the server, which reads one small file by name: all outlines are there, none is loaded.
const outlines = join(modules, "@tabler/icons/icons/outline");
for (const icon of readdirSync(outlines)) cpSync(join(outlines, icon), join(draft, "icons", icon));
const icons = described("@tabler/icons");
manifest.push({ file: "icons/", package: "@tabler/icons", version: icons.version, license: icons.license });

mkdirSync(join(draft, "fonts"));
for (const font of FONTS) {
  cpSync(join(modules, FONT_PACKAGE, font), join(draft, "fonts", basename(font)));
  const { version, license } = described(FONT_PACKAGE);
  const sha256 = createHash("sha256").update(readFileSync(join(draft, "fonts", basename(font)))).digest("hex");
  manifest.push({ file: `fonts/${basename(font)}`, package: FONT_PACKAGE, version, license, sha256 });
}

writeFileSync(join(draft, "manifest.json"), `${JSON.stringify(manifest, null, 1)}\n`);
rmSync(target, { recursive: true, force: true });
renameSync(draft, target);
console.log(`assets: ${manifest.length} entries in ${target.slice(root.length)}`);
