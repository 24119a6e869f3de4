/** Every kind of step and its rules. */
import type { Step, StepKind } from '../flow.ts'
import { announce } from './announce.ts'
import { collectPin } from './collect-pin.ts'
import { hangUp } from './hang-up.ts'
import { holdMusic } from './hold-music.ts'
import type { StepRules } from './kind.ts'
import { menu } from './menu.ts'
import { openingHours } from './opening-hours.ts'
import { queue } from './queue.ts'
import { specialAnnouncement } from './special-announcement.ts'
import { transfer } from './transfer.ts'
import { voicemail } from './voicemail.ts'

const table: { [Kind in StepKind]: StepRules<Extract<Step, { kind: Kind }>> } = {
  announce,
  special_announcement: specialAnnouncement,
  collect_pin: collectPin,
  hold_music: holdMusic,
  menu,
  opening_hours: openingHours,
  queue,
  voicemail,
  transfer,
  hang_up: hangUp,
}

/** The rules for this step. The table's type pairs kinds with their rules; TypeScript cannot follow that through an index. */
export function rulesFor(step: Step): StepRules<Step> {
  return table[step.kind] as StepRules<Step>
}
