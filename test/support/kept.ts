/** Where a story that failed leaves what shows why. A test run removes its temporary files; these are not among them. */
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export const keptFile = (name: string): string => join(process.env['PFORTE_TEST_KEPT'] ?? tmpdir(), name)
