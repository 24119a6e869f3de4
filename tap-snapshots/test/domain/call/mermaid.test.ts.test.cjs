/* IMPORTANT
 * This snapshot file is auto-generated, but designed for humans.
 * It should be checked into source control and tracked carefully.
 * Re-generate by setting TAP_SNAPSHOT=1 and running tests.
 * Make sure to inspect the output below.  Do not ignore changes!
 */
'use strict'
exports[`test/domain/call/mermaid.test.ts > TAP > the hotline as a picture > must match snapshot 1`] = `
flowchart TD
  start(((call)))
  start --> s0
  s0["outage<br/><small>announces outage, if on</small>"]
  s1["welcome<br/><small>says welcome</small>"]
  s2[/"ask_pin<br/><small>asks for the PIN</small>"/]
  s3[/"ask_customer_number<br/><small>asks for the customer number</small>"/]
  s4["not_correct<br/><small>says not_correct</small>"]
  s5{"service_hours<br/><small>hours of the contract?</small>"}
  s6["we_are_closed<br/><small>says closed</small>"]
  s7(["wait<br/><small>queue of the contract</small>"])
  s8[/"sorry<br/><small>menu sorry_menu</small>"/]
  s9(["emergency<br/><small>calls +4962100000</small>"])
  s10("music<br/><small>music, 60 s, at most 3 times</small>")
  s11["offer<br/><small>says voicemail_offer</small>"]
  s12[["message<br/><small>records up to 180 s</small>"]]
  s13["thanks<br/><small>says thanks</small>"]
  s14(("turned_away<br/><small>hangs up: turned away</small>"))
  s15(("goodbye<br/><small>hangs up: informed</small>"))
  s0 -->|"off, pressed"| s1
  s0 -->|"heard"| s15
  s1 -->|"done"| s2
  s2 -->|"right"| s5
  s2 -->|"wrong"| s4
  s2 -->|"none, exhausted"| s10
  s2 -->|"step_up"| s3
  s3 -->|"right"| s5
  s3 -->|"wrong"| s4
  s3 -->|"none, exhausted"| s10
  s4 -->|"done"| s2
  s5 -->|"open"| s7
  s5 -->|"closed"| s6
  s6 -->|"done"| s12
  s7 -->|"timeout, full"| s8
  s7 -->|"#35;"| s12
  s8 -->|"1"| s7
  s8 -->|"2"| s9
  s8 -->|"#35;, none"| s12
  s9 -->|"failed"| s12
  s10 -->|"done"| s11
  s10 -->|"#35;"| s12
  s10 -->|"exhausted"| s14
  s11 -->|"done"| s10
  s11 -->|"#35;"| s12
  s12 -->|"left"| s13
  s12 -->|"empty"| s10
  s13 -->|"done"| s15

`
