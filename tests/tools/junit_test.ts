import assert from "node:assert/strict";
import { countTests } from "../../tools/_junit.ts";

function report(...cases: string[]): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="deno test" tests="${cases.length}" failures="0" errors="0" time="0.1">
    <testsuite name="./a_test.ts" tests="${cases.length}" disabled="0" errors="0" failures="0">
        ${cases.join("\n        ")}
    </testsuite>
</testsuites>`;
}

Deno.test("countTests: counts passed, failed and skipped, and names the skipped", () => {
  const counts = countTests(report(
    '<testcase name="a" classname="./a_test.ts" time="0.003" line="1" col="6">\n</testcase>',
    '<testcase name="b" classname="./a_test.ts" time="0.003" line="2" col="6"/>',
    '<testcase name="c" time="0.001"><failure message="Error: x">Error: x\nat y</failure></testcase>',
    '<testcase name="d" time="0.001"><error message="x">x</error></testcase>',
    '<testcase name="e &lt;f&gt; &amp;lt; &quot;g&quot;" time="0.000">\n<skipped/>\n</testcase>',
  ));
  assert.deepEqual(counts, { passed: 2, failed: 2, skipped: ['e <f> &lt; "g"'] });
});

Deno.test("countTests: leaves out tests that a filter left out, which have no time", () => {
  const counts = countTests(report(
    '<testcase name="a" classname="./a_test.ts" line="1" col="6">\n<skipped/>\n</testcase>',
    '<testcase name="b" classname="./a_test.ts" time="0.001" line="2" col="6"></testcase>',
  ));
  assert.deepEqual(counts, { passed: 1, failed: 0, skipped: [] });
});

Deno.test("countTests: is not misled by marks in a title or a message, which are escaped", () => {
  const counts = countTests(report(
    '<testcase name="x &lt;skipped/&gt; &lt;failure&gt;" time="0.1"></testcase>',
    '<testcase name="y" time="0.1"><failure message="&lt;skipped/&gt;">&lt;skipped/&gt;</failure></testcase>',
  ));
  assert.deepEqual(counts, { passed: 1, failed: 1, skipped: [] });
});

Deno.test("countTests: reads what this deno writes", async () => {
  const directory = await Deno.makeTempDir({ prefix: "masterserver-junit-" });
  try {
    await Deno.writeTextFile(
      `${directory}/sample_test.ts`,
      `Deno.test("sample: passes", async (t) => { await t.step("step", () => {}); });
       Deno.test("sample: fails", () => { throw new Error("on purpose"); });
       Deno.test({ name: "sample: ignored", ignore: true, fn() {} });
       Deno.test("other: filtered out", () => {});`,
    );
    const path = `${directory}/report.xml`;
    const output = await new Deno.Command(Deno.execPath(), {
      args: ["test", "--no-config", `--junit-path=${path}`, "--filter", "sample:", directory],
      stdout: "null",
      stderr: "null",
    }).output();
    assert.equal(output.code, 1);
    assert.deepEqual(countTests(await Deno.readTextFile(path)), {
      passed: 2,
      failed: 1,
      skipped: ["sample: ignored"],
    });
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
