package rabbitbus

import (
	"errors"
	"fmt"
	"strconv"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/ashlar-dev/ashlar/patterns/bus/driver"
)

const maxName = 255 // bytes of an AMQP short string

// declareTopic makes the topic's exchange, and its stream when it is a log.
func declareTopic(ch *amqp.Channel, t driver.Topic) error {
	if t.Name == "" || len(t.Name) > maxName-40 {
		return fmt.Errorf("%w: topic %q: 1 to %d bytes", driver.ErrInvalid, t.Name, maxName-40)
	}
	if err := ch.ExchangeDeclare(t.Name, "topic", true, false, false, false, nil); err != nil {
		// An exchange that others made may have another kind; it serves as it is.
		var e *amqp.Error
		if errors.As(err, &e) && e.Code == amqp.PreconditionFailed && !t.Log {
			return nil
		}
		return err
	}
	if !t.Log {
		return nil
	}
	_, err := ch.QueueDeclare(t.Name, true, false, false, false, amqp.Table{"x-queue-type": "stream"})
	if err != nil {
		return err
	}
	return ch.QueueBind(t.Name, "#", t.Name, false, nil)
}

func queueName(topic, group string, p int) string {
	return topic + "." + group + "." + strconv.Itoa(p)
}

// slots is how many routing keys records have: a key's slot never changes, and a
// group of n queues takes slots/n each. It is the most queues a group can have.
const slots = 64

func slotRoute(slot int) string { return "ashlar.slot." + strconv.Itoa(slot) }

// declareGroup makes the queues of a group and returns how many there are. A
// group that has some keeps their number. The last queue is for messages of
// other programs, whose routing keys are none of the slots.
//
// The queues are made from the last to the first, so the first one says that all
// are there; and the topic is bound when all of them are bound.
func declareGroup(l *amqp.Connection, topic, group string, n int) (int, error) {
	if len(topic)+len(group) > maxName-10 {
		return 0, fmt.Errorf("%w: topic %q and group %q together: at most %d bytes", driver.ErrInvalid, topic, group, maxName-10)
	}
	err := on(l, func(ch *amqp.Channel) error {
		return ch.ExchangeDeclarePassive(topic, "topic", true, false, false, false, nil)
	})
	if err != nil {
		return 0, err
	}
	have := 0
	for ; ; have++ {
		err := on(l, func(ch *amqp.Channel) error {
			_, err := ch.QueueDeclarePassive(queueName(topic, group, have), true, false, false, false, nil)
			return err
		})
		if errors.Is(err, driver.ErrNoTopic) {
			break
		}
		if err != nil {
			return 0, err
		}
	}
	if have > 1 {
		n = have - 1
	}
	return n + 1, on(l, func(ch *amqp.Channel) error { return bindGroup(ch, topic, group, min(n, slots)) })
}

// bindGroup declares and binds everything of a group of n queues and one more.
func bindGroup(ch *amqp.Channel, topic, group string, n int) error {
	name := topic + "." + group
	other := name + ".other"
	if err := ch.ExchangeDeclare(other, "fanout", true, false, true, false, nil); err != nil {
		return err
	}
	if err := ch.ExchangeDeclare(name, "direct", true, false, true, false, amqp.Table{"alternate-exchange": other}); err != nil {
		return fmt.Errorf("exchange %q: %w", name, err)
	}
	for p := n; p >= 0; p-- {
		q := queueName(topic, group, p)
		if _, err := ch.QueueDeclare(q, true, false, false, false, amqp.Table{"x-queue-type": "quorum", "x-single-active-consumer": true}); err != nil {
			return fmt.Errorf("queue %q: %w", q, err)
		}
	}
	if err := ch.QueueBind(queueName(topic, group, n), "", other, false, nil); err != nil {
		return err
	}
	for slot := range slots {
		if err := ch.QueueBind(queueName(topic, group, slot*n/slots), slotRoute(slot), name, true, nil); err != nil {
			return err
		}
	}
	return ch.ExchangeBind(name, "#", topic, false, nil)
}
