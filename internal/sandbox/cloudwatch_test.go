package sandbox_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"inventoryd/internal/sandbox"
	"inventoryd/internal/sandbox/fault"
)

func TestMetricsArriveUnlessAFaultSaysOtherwise(t *testing.T) {
	box := sandbox.New()
	client := cloudwatch.NewFromConfig(box.Config("one"))
	put := func() error {
		_, err := client.PutMetricData(t.Context(), &cloudwatch.PutMetricDataInput{
			Namespace:  aws.String("inventoryd"),
			MetricData: []types.MetricDatum{{MetricName: aws.String("Up"), Value: aws.Float64(1)}},
		})
		return err
	}
	if err := put(); err != nil || len(box.Metrics.Data("Up")) != 1 {
		t.Error(err, box.Metrics.Data(""))
	}
	remove := box.Fault(fault.Rule{Service: "cloudwatch", Effect: fault.AccessDeniedJSON})
	if err := put(); err == nil || len(box.Metrics.Data("Up")) != 1 {
		t.Error(err)
	}
	remove()
	if calls := box.Metrics.Calls(); len(calls) != 1 || calls[0].Client != "one" {
		t.Error(calls)
	}
}
