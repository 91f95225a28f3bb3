package stream

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

func TestShardMayStartOnlyWhenNothingBeforeItCanStillBeRead(t *testing.T) {
	for name, c := range map[string]struct {
		family family
		want   bool
	}{
		"no parent":                          {family{}, true},
		"no parent, an older stream":         {family{olderStream: true}, false},
		"parent's row not ended":             {family{parent: "p", parentRow: true}, false},
		"parent's row ended":                 {family{parent: "p", parentRow: true, parentEnded: true}, true},
		"parent's row ended, older stream":   {family{parent: "p", parentRow: true, parentEnded: true, olderStream: true}, false},
		"parent not ended, but not listed":   {family{parent: "p", parentRow: true, parentGone: true}, false},
		"parent without a row, perhaps late": {family{parent: "p"}, false},
		"parent without a row, proved gone":  {family{parent: "p", parentGone: true}, true},
	} {
		if got := c.family.mayStart(); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestRowGoesOnlyWhenNobodyNeedsIt(t *testing.T) {
	old := keepEnded + time.Second
	for name, c := range map[string]struct {
		leftover leftover
		want     bool
	}{
		"all of it":           {leftover{ended: true, age: old, childrenStarted: true}, true},
		"not ended":           {leftover{age: old, childrenStarted: true}, false},
		"too young":           {leftover{ended: true, age: keepEnded, childrenStarted: true}, false},
		"still listed":        {leftover{ended: true, age: old, listed: true, childrenStarted: true}, false},
		"a child not started": {leftover{ended: true, age: old}, false},
		"a gap to be told":    {leftover{ended: true, age: old, childrenStarted: true, untold: true}, false},
	} {
		if got := c.leftover.mayGo(); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestOldStreamIsDrainedOnlyWhenNoLateChildCanShow(t *testing.T) {
	for name, c := range map[string]struct {
		closing closing
		want    bool
	}{
		"settled":                    {closing{listed: true, allKnown: true, settled: settling}, true},
		"a shard is open":            {closing{listed: true, allKnown: true, settled: settling, open: 1}, false},
		"listed too soon":            {closing{listed: true, allKnown: true, settled: settling - 1}, false},
		"never listed":               {closing{allKnown: true, settled: settling}, false},
		"a listed shard unknown":     {closing{listed: true, settled: settling}, false},
		"the next one was begun":     {closing{followed: true}, true},
		"the next one, then a reset": {closing{followed: true, open: 1}, false},
		"gone":                       {closing{gone: true}, true},
		"gone, a shard not yet lost": {closing{gone: true, open: 1}, false},
	} {
		if got := c.closing.drained(); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestShardIsReadAsOftenAsItDeservesAndNeverMoreThanFourTimesASecond(t *testing.T) {
	for name, c := range map[string]struct {
		pace pace
		want time.Duration
	}{
		"just had records":        {pace{idle: time.Second}, minPoll},
		"quiet for 5 s":           {pace{idle: time.Second, quiet: 5 * time.Second}, minPoll},
		"quiet for 10 s":          {pace{idle: time.Second, quiet: 10 * time.Second}, 500 * time.Millisecond},
		"quiet for a minute":      {pace{idle: time.Second, quiet: time.Minute}, time.Second},
		"a full page":             {pace{idle: time.Minute, quiet: time.Hour, full: true}, minPoll},
		"the tip is not known":    {pace{idle: time.Minute, quiet: time.Hour, unknown: true}, minPoll},
		"idle below the shortest": {pace{idle: time.Millisecond, quiet: time.Hour}, minPoll},
	} {
		if got := c.pace.interval(); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestWhatAShardDoesAboutAnError(t *testing.T) {
	for _, c := range []struct {
		operation operation
		position  position
		kind      errorKind
		want      remedy
	}{
		{getIterator, afterRecord, throttled, again},
		{getIterator, afterRecord, broken, again},
		{getIterator, afterRecord, denied, again},
		{getIterator, afterRecord, refused, again},
		{getIterator, afterRecord, trimmed, skipGap},
		{getIterator, afterRecord, absent, verify},
		{getIterator, afterRecord, invalid, giveUp},
		{getIterator, atInstant, invalid, fallBack},
		{getIterator, atHorizon, invalid, again},
		{getRecords, afterRecord, limited, again},
		{getRecords, afterRecord, expired, reopen},
		{getRecords, atHorizon, expired, reopen},
		{getRecords, afterRecord, invalid, reopen},
		{getRecords, afterRecord, trimmed, skipGap},
		{getRecords, atHorizon, absent, verify},
	} {
		if got := decide(c.operation, c.position, c.kind); got != c.want {
			t.Errorf("operation %d at position %d, error %d: remedy %d, want %d", c.operation, c.position, c.kind, got, c.want)
		}
	}
}

func TestKindsOfErrors(t *testing.T) {
	api := func(code string) error { return fmt.Errorf("read: %w", &smithy.GenericAPIError{Code: code}) }
	status := func(code string, status int) error {
		return &smithyhttp.ResponseError{
			Response: &smithyhttp.Response{Response: &http.Response{StatusCode: status}},
			Err:      &smithy.GenericAPIError{Code: code},
		}
	}
	for _, c := range []struct {
		err  error
		want errorKind
	}{
		{nil, none},
		{api("ThrottlingException"), throttled},
		{api("ProvisionedThroughputExceededException"), throttled},
		{api("RequestLimitExceeded"), throttled},
		{api("LimitExceededException"), limited},
		{status("InternalServerError", 500), broken},
		{status("ThrottlingException", 503), throttled},
		{status("Whatever", 503), broken},
		{status("Whatever", 429), throttled},
		{status("Whatever", 403), denied},
		{status("Whatever", 400), refused},
		{&smithy.GenericAPIError{Code: "Whatever", Fault: smithy.FaultServer}, broken},
		{api("AccessDeniedException"), denied},
		{api("UnrecognizedClientException"), denied},
		{api("InvalidSignatureException"), denied},
		{api("ExpiredTokenException"), denied},
		{api("ExpiredIteratorException"), expired},
		{api("TrimmedDataAccessException"), trimmed},
		{api("ResourceNotFoundException"), absent},
		{api("ValidationException"), invalid},
		{api("ConditionalCheckFailedException"), conflict},
		{context.DeadlineExceeded, broken},
		{errors.New("connection reset by peer"), broken},
	} {
		if got := classify(c.err); got != c.want {
			t.Errorf("%v: %d, want %d", c.err, got, c.want)
		}
	}
}

func TestPausesGrowWithinTheirBounds(t *testing.T) {
	for _, c := range []struct {
		kind        errorKind
		n           int
		least, most time.Duration
		repeat      bool
	}{
		{throttled, 0, 0, 250 * time.Millisecond, true},
		{throttled, 3, 0, 2 * time.Second, true},
		{limited, 1000, 0, 10 * time.Second, true},
		{broken, 0, 50 * time.Millisecond, 100 * time.Millisecond, true},
		{broken, 1000, 2500 * time.Millisecond, 5 * time.Second, true},
		{denied, 0, 30 * time.Second, 30 * time.Second, true},
		{refused, 5, 30 * time.Second, 30 * time.Second, true},
		{none, 0, 0, 0, false},
		{conflict, 0, 0, 0, false},
		{absent, 0, 0, 0, false},
		{trimmed, 0, 0, 0, false},
	} {
		least, _ := c.kind.delay(c.n, 0)
		most, repeat := c.kind.delay(c.n, 1)
		if least != c.least || most != c.most || repeat != c.repeat {
			t.Errorf("error %d, attempt %d: %v to %v (%v), want %v to %v (%v)", c.kind, c.n, least, most, repeat, c.least, c.most, c.repeat)
		}
	}
}

func TestHandlersErrorsAreTakenApart(t *testing.T) {
	cause, other := errors.New("cause"), errors.New("other")
	cause5 := FailedAt(5, cause)
	for name, c := range map[string]struct {
		err  error
		size int
		want failure
	}{
		"plain":                          {cause, 5, failure{err: cause}},
		"plain, one record":              {cause, 1, failure{err: cause, located: true}},
		"located":                        {FailedAt(3, cause), 5, failure{err: cause, done: 3, located: true}},
		"located behind the batch":       {FailedAt(5, cause), 5, failure{err: FailedAt(5, cause)}},
		"located before the batch":       {FailedAt(-1, cause), 5, failure{err: FailedAt(-1, cause)}},
		"permanent":                      {Permanent(cause), 5, failure{err: Permanent(cause), permanent: true}},
		"permanent and located":          {FailedAt(2, Permanent(cause)), 5, failure{err: Permanent(cause), done: 2, located: true, permanent: true}},
		"located within a permanent":     {Permanent(FailedAt(2, cause)), 5, failure{err: cause, done: 2, located: true, permanent: true}},
		"wrapped":                        {fmt.Errorf("handle: %w", FailedAt(1, Permanent(cause))), 5, failure{err: Permanent(cause), done: 1, located: true, permanent: true}},
		"joined, the lowest counts":      {errors.Join(FailedAt(5, other), FailedAt(2, cause)), 9, failure{err: cause, done: 2, located: true}},
		"joined within joined":           {errors.Join(FailedAt(5, other), fmt.Errorf("%w, %w", FailedAt(7, other), FailedAt(2, cause))), 9, failure{err: cause, done: 2, located: true}},
		"permanent above the lowest":     {errors.Join(FailedAt(5, Permanent(other)), FailedAt(2, cause)), 9, failure{err: cause, done: 2, located: true}},
		"permanent at the lowest":        {errors.Join(FailedAt(5, other), FailedAt(2, Permanent(cause))), 9, failure{err: cause, done: 2, located: true, permanent: true}},
		"permanent around all":           {Permanent(errors.Join(FailedAt(5, other), FailedAt(2, cause))), 9, failure{err: cause, done: 2, located: true, permanent: true}},
		"two at the same record":         {errors.Join(FailedAt(2, cause), FailedAt(2, Permanent(other))), 9, failure{err: cause, done: 2, located: true, permanent: true}},
		"joined to one without an index": {errors.Join(FailedAt(5, cause), other), 9, failure{err: errors.Join(cause5, other)}},
		"joined to one behind the batch": {errors.Join(FailedAt(5, cause), FailedAt(9, cause)), 9, failure{err: errors.Join(cause5, FailedAt(9, cause))}},
		"an outage among the permanent":  {errors.Join(Permanent(cause), other), 9, failure{err: errors.Join(cause, other)}},
		"the only record, twice":         {errors.Join(Permanent(cause), Permanent(other)), 1, failure{err: errors.Join(cause, other), located: true, permanent: true}},
	} {
		got := diagnose(c.err, c.size)
		if got.err.Error() != c.want.err.Error() {
			t.Errorf("%s: error %v, want %v", name, got.err, c.want.err)
		}
		got.err, c.want.err = nil, nil
		if got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
	if FailedAt(1, nil) != nil || Permanent(nil) != nil {
		t.Error("no error becomes one")
	}
}
