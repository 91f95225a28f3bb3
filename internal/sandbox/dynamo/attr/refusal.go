package attr

import "fmt"

// Refusal is the error of what is well-formed and refused by DynamoDB, in its words: the message of a
// ValidationException.
type Refusal struct{ Message string }

func (r *Refusal) Error() string { return r.Message }

// Refusef words a Refusal.
func Refusef(format string, args ...any) error { return &Refusal{fmt.Sprintf(format, args...)} }
