// How the service's Node keeps its memory: it is to answer at once, even where that takes some 200 MB more.
//
// What lives of Pforte is some 75 MB. By itself V8 lets that grow by a third before it
// collects the old part of the heap, and under load stands still for it every three seconds, for 20 ms
// and twice as long in pieces before. Of what is new, 16 MB are kept apart, so that much of what is
// about to end moves into the old part first. With these, `bench -- events` at 750 a second goes
// through without one such collection. Both are V8's (`node --v8-options`) and must be there from the start of a process.
export const serviceFlags = ['--max-semi-space-size=64', '--heap-growing-percent=250']
