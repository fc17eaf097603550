import { defineConfig } from 'vitest/config'

/** fast: pure cores and loopback. netns: packets through namespaces of this host (root). lab: inside a kernel with IPVS. The nightly ones: longer. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'fast',
          include: ['test/**/*.test.ts'],
          exclude: ['test/**/*.{netns,lab,nightly,lab-nightly}.test.ts'],
          testTimeout: 10_000,
          // Half of the time would go into loading the same files anew for each test file.
          isolate: false,
          maxWorkers: 3,
          hookTimeout: 30_000,
          // Sockets on loopback are real, and so are their delays on a shared machine.
          retry: 1,
        },
      },
      {
        test: {
          name: 'netns',
          include: ['test/**/*.netns.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          // Deadlines of milliseconds are judged: one file at a time, and again where the machine itself stood still.
          maxWorkers: 1,
          retry: 2,
        },
      },
      {
        test: {
          name: 'lab',
          include: ['test/**/*.lab.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          maxWorkers: 1,
          isolate: false,
          retry: 1,
        },
      },
      {
        test: {
          name: 'lab-nightly',
          include: ['test/**/*.lab-nightly.test.ts'],
          testTimeout: 3_600_000,
          hookTimeout: 120_000,
          maxWorkers: 1,
        },
      },
      { test: { name: 'nightly', include: ['test/**/*.nightly.test.ts'], testTimeout: 3_600_000, maxWorkers: 1 } },
    ],
  },
})
