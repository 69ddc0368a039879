import { expect, test } from "@jest/globals";
import { Metrics, processMetrics } from "@quorumfs/telemetry";

test("process metrics: build, processor, memory, event loop; each one listed", async () => {
  const metrics = new Metrics();
  processMetrics(metrics, { process: "quorumfs-test", version: "1.2.3" });
  const text = await metrics.text();
  expect(text).toContain(
    `quorumfs_build_info{process="quorumfs-test",version="1.2.3",nodejs="${process.versions.node}"} 1`,
  );
  const listed = metrics.list();
  for (const { name, type, help } of listed) {
    expect(text).toContain(`# TYPE ${name} ${type}\n`);
    expect(help).not.toBe("");
  }
  expect(text.match(/^# TYPE /gm)).toHaveLength(listed.length);
  expect(text).toMatch(/^process_resident_memory_bytes [1-9]\d+$/m);
  expect(text).toMatch(/^process_cpu_seconds_total /m);
});
