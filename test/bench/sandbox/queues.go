package main

// Figures of SQS.

import "fmt"

// receiveMessage receives ten messages of an event's size at a time. They stay visible, so that there is always something
// to receive.
func receiveMessage() {
	s, end := serve()
	defer end()
	s.call("AmazonSQS.CreateQueue", []byte(`{"QueueName":"q","Attributes":{"VisibilityTimeout":"0"}}`))
	for range 10 {
		s.call("AmazonSQS.SendMessage", fmt.Appendf(nil, `{"QueueUrl":"/q","MessageBody":"%0800d"}`, 0))
	}
	perSecond("sandbox_receivemessage_per_s", func(int) {
		s.call("AmazonSQS.ReceiveMessage", []byte(`{"QueueUrl":"/q","MaxNumberOfMessages":10,"MessageSystemAttributeNames":["All"]}`))
	})
}
