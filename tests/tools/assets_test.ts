import assert from "node:assert/strict";
import { type Asset, findAssets, readAsset, redirectAssets } from "../../tools/_assets.ts";
import { ROOT } from "../../tools/_project.ts";
import { ASSETS, writeStandIn } from "./_stand_in.ts";

const PAGE: Asset = { external: "/source/page.html", url: "file:///source/page.html" };
const DATA: Asset = { external: "some-package/data", url: "npm:/some-package@1.0.0/data" };

Deno.test("findAssets, readAsset: lazy imports of bytes, each file once, and no others", async () => {
  const root = await Deno.makeTempDir({ prefix: "masterserver-assets-" });
  try {
    await writeStandIn(root);
    const assets = await findAssets(root, "mod.ts");
    const paths = Object.keys(ASSETS).map((path) => `${root}/${path}`);
    assert.deepEqual(assets.map((asset) => asset.external), paths);
    for (const [index, bytes] of Object.values(ASSETS).entries()) {
      assert.deepEqual(await readAsset(assets[index] as Asset), bytes);
    }
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

Deno.test("findAssets, readAsset: this project's country database", async () => {
  const assets = await findAssets(ROOT, "mod.ts");
  const countries = assets.find((asset) => asset.external.endsWith("/geo-whois-asn-country.mmdb"));
  assert.ok(countries, "it would be in the bundle");
  const text = new TextDecoder("latin1").decode(await readAsset(countries));
  assert.ok(text.includes("\xab\xcd\xefMaxMind.com"), "the mark of the file format");
});

Deno.test("findAssets: throws deno's message when deno cannot examine the program", async () => {
  const root = await Deno.makeTempDir({ prefix: "masterserver-assets-" });
  try {
    await Deno.writeTextFile(`${root}/deno.json`, "{ this is no JSON");
    await assert.rejects(
      findAssets(root, "mod.ts"),
      /deno info cannot examine mod\.ts: .*deno\.json/s,
    );
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

Deno.test("redirectAssets: changes the imports of assets, and nothing else", () => {
  const bundle = (page: string, data: string) => `
    var a = (await import("${page}", { with: { type: "bytes" } })).default;
    ({ default: b } = await import("${data}", { with: { type: "bytes" } }));
    c = () => import("${page}", { with: { type: "bytes" } }).then(use);
    var d = ["/source/page.html", await import("some-package/data.js"), "some-package/data"];`;
  assert.deepEqual(
    redirectAssets(bundle(PAGE.external, DATA.external), [PAGE, DATA], (index) => `to:${index}`),
    { kind: "redirected", bundle: bundle("to:0", "to:1") },
  );
  assert.deepEqual(redirectAssets("no asset", [], String), {
    kind: "redirected",
    bundle: "no asset",
  });
});

Deno.test("redirectAssets: refuses a bundle that imports an asset in no known way", () => {
  const redirected = redirectAssets("import('some-package/data', {})", [DATA], String);
  if (redirected.kind !== "failed") assert.fail(redirected.bundle);
  assert.match(redirected.message, /no import\("some-package\/data", .*deno bundle/);
});
