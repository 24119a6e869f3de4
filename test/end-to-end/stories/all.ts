/** Every story of a call, on one hotline. They happen side by side; the last ones look at what is left of all. */
import t from 'tap'
import type { PforteOptions } from '../../support/pforte.ts'
import { FarEnd } from '../support/far-end.ts'
import { Hotline } from '../support/hotline.ts'
import { announcementStories } from './announcement.ts'
import { gateStories } from './gate.ts'
import { guessingStories } from './guessing.ts'
import { hangUpStories } from './hang-ups.ts'
import { agentStories } from './humans.ts'
import { loopStories } from './loop.ts'
import { nobodyFreeStories } from './nobody-free.ts'
import { outsideStories } from './outside.ts'
import { secretsStory } from './secrets.ts'
import { sippStories } from './sipp.ts'
import { strangerStories } from './strangers.ts'
import { typingStories } from './typing.ts'
import { voicemailStories } from './voicemail.ts'

const AT_ONCE = 12
const TIME_LIMIT_MS = 200_000

export async function tellAll(transport: NonNullable<PforteOptions['transport']>): Promise<void> {
  t.setTimeout(TIME_LIMIT_MS)
  const hotline = await Hotline.open(t, { transport })
  const farEnd = await FarEnd.open(t, hotline.pforte)
  t.jobs = AT_ONCE
  // The long ones first, so that nobody waits for one at the end.
  const stories = [
    guessingStories,
    strangerStories,
    voicemailStories,
    nobodyFreeStories,
    announcementStories,
    loopStories,
    sippStories,
    gateStories,
    agentStories,
    typingStories,
    hangUpStories,
    outsideStories,
  ]
  for (const tell of stories) tell(t, hotline, farEnd)
  // Not beside others, but when all of them are over.
  secretsStory(t, hotline, { buffered: false })
}
