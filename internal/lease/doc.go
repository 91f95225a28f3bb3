// Package lease says which instances of a program are alive, until when each may act, and which of them leads. It is
// one protocol for all groups: the readers of a stream (in the stream's lease table) and the daemons (in the state
// table). What an instance holds names the instance, and lives and dies with its row.
//
// # The row
//
// Each start of an instance makes a new id (host and a random part) and takes a number J from the group's counter,
// which only grows. It keeps one row: its id, J, its lease's duration D, its parts, a counter that each renewal raises,
// and, where they apply, the marks leaving and dead. Two columns are the stream's: read_at, when its reads last
// worked, and look, a number that others raise to say "read the rows that concern you". The answer to each renewal is
// the whole row, so that look arrives without a call of its own.
//
//	        renewal                      no renewal for D,
//	join ─────▶ alive ──────────▶ alive ── seen by an observer ──▶ dead
//	              │                 │                                ▲
//	              └── leaving ──────┴──────────── resigned ──────────┘
//
// A dead row never lives again: its owner joins anew, with a new id and a new J.
//
// # Windows of trust
//
// A holder trusts its lease until its deadline: the instant at which it sent the last renewal that worked, plus D, less
// a margin of D/5. A renewal is due each D/5; an attempt is given up after D/5 and repeated at once, so that one hung
// connection costs no lease. Time that the host slept counts (CLOCK_BOOTTIME), although Go's clock stands still then.
//
// An observer calls an instance dead when its counter has stood still for that instance's D, from the answer that
// first showed the counter to the question that showed it again, on the observer's own monotonic clock. It reads a
// suspect again exactly when that time is over. Then it writes the dead mark, on condition that the counter is still
// the one that was seen. Only after that write may others take what the dead held. An instance that has no row (somebody
// deleted it) is dead once that has been seen for the largest D known.
//
// So a deadline always lies before the mark: the renewal was sent before it was stored, stored before it was seen, and
// seen at least D before the mark. No two wall clocks are compared. Rows say their own D, so that a change of the setting
// that goes from instance to instance kills nobody.
//
// # Who leads
//
// The lowest J among those that are not dead, not leaving and have the part; of equal numbers (somebody deleted the
// counter) the lower id. There is no election and no lock, and nobody who joins takes the lead from one who has it. For
// the stream two leaders for a moment do no harm. Where they would, Member.Leads is stricter: an instance leads until
// the earlier of its deadline and D, less the margin, after it last asked for the rows; and one whose first look shows
// others with higher numbers (its own row was written late) begins only after the largest D. So there are never two.
//
// # Failures
//
// The holder is paused, or cut off: its deadline passes, it begins nothing any more; others mark it dead; its next
// renewal is refused ([ErrDead]). If nobody marked it, its lease becomes good again with the next renewal that works.
//
// The table is down: everybody's deadline passes; nobody can mark anybody; when it is back, counters move again before
// D is over, or those that could not renew are marked.
//
// An answer is lost: a renewal that was stored moves the counter and not the deadline, which is the safe side. A join or
// a mark that was stored is seen by its repetition.
//
// The process was killed and starts again on its host: it need not wait for D where [HoldHost] gives it the lock
// file and the id that its predecessor left there, since the kernel gave the lock back only when that process ended.
//
// The row is deleted: the next renewal is refused; others wait for the largest D before they take anything.
//
// An observer was paused: it looks late, which never makes a verdict early, for a counter is judged from answer to
// question.
package lease
