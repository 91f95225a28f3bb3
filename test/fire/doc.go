// Package fire holds the whole of inventoryd in the fire: one to three daemons as processes of their own on one sandbox, a
// day of a chain of stores compressed into minutes, and everything going wrong that an operator has ever been woken by.
//
//	plan.go    what happens and when, from a seed: pure, and printed at the start
//	feeds.go   what the stores upload: pure, from the seed too
//	town.go    the sandbox, the daemons and who starts them again
//	blows.go   what a step of the plan does to the town
//	witness.go what is written down while it happens: uploads, each change of the table, messages
//	judge.go   what that must have led to: pure, findings in words; judge_feeds.go of feeds that are held back or late
//	house.go   what the daemons say of themselves: books, logs, memory, goroutines
//
// The judge believes nobody but the sandbox: the table's own changes in the order of their commits, and what the
// subscriber of the topic received.
//
//	make fire                              30 minutes, the date is the seed
//	make fire FIRE_SEED=7 FIRE_MINUTES=5   that plan again
//	go test ./test/fire                    three quarters of a minute, always by the same plan
//
// abroad_test.go burns less, on DynamoDB Local and fauxqs.
//
// A seed makes the same plan, not the same run: processes race. A finding names what does not fit and the time; the
// daemons' logs are kept beside it.
package fire
