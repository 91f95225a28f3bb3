package topics_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"inventoryd/internal/sandbox/topics"
)

const reader = "restock@example.com"

// subscribers are what ListSubscriptionsByTopic has of mail subscriptions: their ARNs, or what stands in their place.
func (s stage) subscribers() (list []string) {
	s.Helper()
	out, err := s.client.ListSubscriptionsByTopic(s.Context(), &sns.ListSubscriptionsByTopicInput{TopicArn: &s.topic})
	if err != nil {
		s.Fatal(err)
	}
	for _, sub := range out.Subscriptions {
		if *sub.Protocol == "email" {
			list = append(list, *sub.SubscriptionArn)
		}
	}
	return list
}

func (s stage) subscribeMail() *sns.SubscribeOutput {
	s.Helper()
	out, err := s.client.Subscribe(s.Context(), &sns.SubscribeInput{TopicArn: &s.topic, Protocol: aws.String("email"), Endpoint: aws.String(reader)})
	if err != nil {
		s.Fatal(err)
	}
	return out
}

func (s stage) mail(body string) {
	s.publish(sns.PublishInput{Message: &body, Subject: aws.String("Inventory Alert!")})
}

func TestAReaderGetsMailOnceConfirmed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, false, nil)
		if arn := *s.subscribeMail().SubscriptionArn; arn != "pending confirmation" {
			t.Errorf("the subscription is %q", arn)
		}
		if got := s.subscribers(); fmt.Sprint(got) != "[PendingConfirmation]" {
			t.Errorf("listed as %s", got)
		}
		s.mail("too early")
		if err := s.Topics.ConfirmMail("t", reader); err != nil {
			t.Fatal(err)
		}
		s.mail("in time")
		got := s.Topics.Mails(reader)
		want := topics.Mail{To: reader, Subject: "Inventory Alert!", Body: "in time", At: s.Clock.Now()}
		if len(got) != 1 || got[0] != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	})
}

func TestAnUnconfirmedSubscriptionIsForgottenAfterTwoDays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, false, nil)
		s.subscribeMail()
		time.Sleep(48 * time.Hour)
		if got := s.subscribers(); got != nil {
			t.Errorf("listed as %s", got)
		}
		if err := s.Topics.ConfirmMail("t", reader); err == nil {
			t.Error("confirmed after two days")
		}
	})
}

func TestMoreThanTenMailsASecondDeactivateTheSubscription(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, false, nil)
		if err := s.Topics.SubscribeMail("t", reader); err != nil {
			t.Fatal(err)
		}
		for range 5 { // ten a second, for ever
			for range 10 {
				s.mail("m")
			}
			time.Sleep(time.Second)
		}
		if n := len(s.Topics.Mails(reader)); n != 50 || !s.Topics.Subscribed("t", reader) {
			t.Fatalf("%d mails, want 50; subscribed: %v", n, s.Topics.Subscribed("t", reader))
		}
		for range 11 {
			s.mail("flood")
		}
		time.Sleep(time.Hour)
		s.mail("lost")
		if n := len(s.Topics.Mails(reader)); n != 60 || s.Topics.Subscribed("t", reader) {
			t.Errorf("%d mails, want 60; subscribed: %v", n, s.Topics.Subscribed("t", reader))
		}
		if got := s.subscribers(); fmt.Sprint(got) != "[Deleted]" {
			t.Errorf("listed as %s", got)
		}
		if n := len(s.Queues.Drain(s.inbox)); n != 62 {
			t.Errorf("the queue has %d messages, want all 62", n)
		}
	})
}

func TestASubscriptionIsConfirmedByItsToken(t *testing.T) {
	s := newStage(t, false, nil)
	s.subscribeMail()
	_, err := s.client.ConfirmSubscription(t.Context(), &sns.ConfirmSubscriptionInput{TopicArn: &s.topic, Token: aws.String("wrong")})
	if err == nil {
		t.Error("a wrong token confirmed it")
	}
}
