package main

// What the arguments of `load` name.

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"inventoryd/internal/state"
	"inventoryd/loader"
)

// inputs returns the feeds that one argument names.
func (j *loadJob) inputs(ctx context.Context, cfg Config, arg string) ([]loader.Input, error) {
	rest, isS3 := strings.CutPrefix(arg, "s3://")
	switch {
	case arg == "-":
		return []loader.Input{loader.Stream("standard input", j.in)}, nil
	case !isS3:
		in, err := loader.File(arg)
		if err != nil {
			return nil, usage(fmt.Errorf("load: %w", err))
		}
		return []loader.Input{in}, nil
	}
	bucket, key, _ := strings.Cut(rest, "/")
	if bucket == "" {
		return nil, usage(fmt.Errorf("load: %s names no bucket", arg))
	}
	if key != "" && !strings.HasSuffix(key, "/") {
		return []loader.Input{loader.Object(bucket, key, -1)}, nil
	}
	return j.listed(ctx, cfg, bucket, key)
}

// listed returns the objects below a prefix that are to be loaded, the oldest first. What the table holds already, as far as the
// ledger knows, is left out; who wants it nevertheless names the object.
func (j *loadJob) listed(ctx context.Context, cfg Config, bucket, prefix string) ([]loader.Input, error) {
	var found []types.Object
	ignored, held := 0, 0
	ledger := true
	pages := s3.NewListObjectsV2Paginator(j.clients.S3, &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: &prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list s3://%s/%s: %w", bucket, prefix, err)
		}
		for _, o := range page.Contents {
			key := aws.ToString(o.Key)
			if ok, _ := j.loader.Wanted(bucket, key, aws.ToInt64(o.Size)); !ok || aws.ToTime(o.LastModified).Before(j.since) {
				ignored++
				continue
			}
			if ledger {
				l, _, err := state.LoadNamed(ctx, j.clients.Tables, cfg.StateTable, cfg.App, bucket, key)
				if ctx.Err() != nil {
					return nil, exit{errors.New("load: interrupted"), exitFailed}
				}
				if ledger = err == nil; !ledger {
					fmt.Fprintf(j.notes, "s3://%s/%s: the ledger cannot be asked, so what is loaded is loaded again: %s\n", bucket, prefix, visible(err.Error()))
				}
				if is := l.Finished; is != nil && len(l.Marks) == 0 && is.ETag == aws.ToString(o.ETag) && is.Modified.Equal(aws.ToTime(o.LastModified).Truncate(time.Second)) {
					held++
					continue
				}
			}
			found = append(found, o)
		}
	}
	slices.SortStableFunc(found, func(a, b types.Object) int {
		return cmp.Or(aws.ToTime(a.LastModified).Compare(aws.ToTime(b.LastModified)), cmp.Compare(aws.ToString(a.Key), aws.ToString(b.Key)))
	})
	fmt.Fprintf(j.notes, "s3://%s/%s: %d objects to load, %d left out, %d loaded before\n", bucket, prefix, len(found), ignored, held)
	inputs := make([]loader.Input, len(found))
	for i, o := range found {
		inputs[i] = loader.Object(bucket, aws.ToString(o.Key), aws.ToInt64(o.Size))
	}
	return inputs, nil
}

// inputName is how messages call a feed.
func inputName(in loader.Input) string {
	if in.Bucket == "" {
		return in.Key
	}
	return "s3://" + in.Bucket + "/" + in.Key
}
