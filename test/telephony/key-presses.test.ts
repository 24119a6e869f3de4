import t from 'tap'
import { KeyPresses } from '../../src/telephony/key-presses.ts'

type Told = readonly [digit: string, atMs: number]

/** What is left of the digits that Asterisk told, once echoes are taken out. */
function heard(told: readonly Told[], toneMs = 80): string {
  const keys = new KeyPresses()
  return told
    .filter(([digit, at]) => keys.isPress('leg', digit, toneMs, at))
    .map(([digit]) => digit)
    .join('')
}

/** `4@206`: the digit, and its time in ms. */
const recorded = (told: string): Told[] => told.split(' ').map((one) => [one[0]!, Number(one.slice(2))])

/** A key every `everyMs`. */
const typed = (digits: string, everyMs: number): Told[] => [...digits].map((digit, place) => [digit, place * everyMs])

t.test('what Asterisk told while a busy machine jumbled the packets, and what had been typed [recorded, 22.10.1]', async (t) => {
  const jitter: [string, string][] = [
    ['42901', '4@206 2@379 9@540 0@624 0@668 1@799'],
    ['19191', '1@953 9@1091 1@1239 9@1410 1@1511 1@1536'],
    ['71280', '7@239 1@410 2@512 2@535 8@651 8@672 0@791'],
    ['11755', '1@694 1@831 7@987 5@1111 5@1128 5@1251 5@1270'],
    ['83254', '8@1595 3@1738 2@1851 2@1879 5@1991 5@2019 4@2159'],
  ]
  for (const [pin, told] of jitter) t.equal(heard(recorded(told)), pin)
})

t.test('bursts: packets that were held up for half a second come all at once', async (t) => {
  const bursts: [string, string][] = [
    ['27166', '2@6408 7@6548 1@6758 6@6865 6@6883 6@7063'],
    ['24787', '2@6893 4@7260 7@7262 7@7401 8@7464 8@7536 7@7538 7@7687'],
    ['68899', '6@460 8@703 8@703 8@828 9@828 9@955 9@1058'],
    ['62209', '6@46 2@246 2@246 2@373 0@547 9@747'],
  ]
  for (const [pin, told] of bursts) t.equal(heard(recorded(told)), pin)
})

t.test('a key that is pressed twice counts twice, at every pace of fingers and diallers', async (t) => {
  for (const everyMs of [100, 120, 140, 150, 200, 300, 1000]) {
    t.equal(heard(typed('5566677770', everyMs)), '5566677770', `every ${everyMs} ms`)
  }
  t.equal(heard(typed('111111', 90), 50), '111111', 'a fast dialler')
})

t.test('two callers who type at the same time do not disturb each other', async (t) => {
  const keys = new KeyPresses()
  t.equal(keys.isPress('one', '5', 80, 0), true)
  t.equal(keys.isPress('other', '5', 80, 10), true)
  t.equal(keys.isPress('one', '5', 80, 20), false)
})

t.test('a leg that is over leaves nothing behind', async (t) => {
  const keys = new KeyPresses()
  keys.isPress('leg', '5', 80, 0)
  keys.forget('leg')
  t.equal(keys.isPress('leg', '5', 80, 10), true)
})
