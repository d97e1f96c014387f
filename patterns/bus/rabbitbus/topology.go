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

// declareGroup makes the queues of a group and returns how many there are. A
// group that has some keeps their number.
//
// The queues are made from the last to the first, so the first one says that all
// are there; and the topic is bound when all of them are bound, so that no key
// changes its queue while they come.
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
	if have > 0 {
		n = have
	}
	hash := topic + "." + group
	err = on(l, func(ch *amqp.Channel) error {
		if err := ch.ExchangeDeclare(hash, "x-consistent-hash", true, false, false, false, nil); err != nil {
			return fmt.Errorf("exchange %q: is the plugin rabbitmq_consistent_hash_exchange enabled? %w", hash, err)
		}
		for p := n - 1; p >= 0; p-- {
			q := queueName(topic, group, p)
			if _, err := ch.QueueDeclare(q, true, false, false, false, amqp.Table{"x-queue-type": "quorum", "x-single-active-consumer": true}); err != nil {
				return fmt.Errorf("queue %q: %w", q, err)
			}
			if err := ch.QueueBind(q, "1", hash, false, nil); err != nil {
				return fmt.Errorf("queue %q: %w", q, err)
			}
		}
		return ch.ExchangeBind(hash, "#", topic, false, nil)
	})
	return n, err
}
