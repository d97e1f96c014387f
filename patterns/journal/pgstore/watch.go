package pgstore

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// notifier tells other processes that the head moved. It runs beside the
// commits and joins those of a few milliseconds into one notification: NOTIFY
// inside the commit would make every commit of the database wait in one queue.
type notifier struct {
	wake chan struct{}
	done chan struct{}
	end  chan struct{}
	once sync.Once
	mu   sync.Mutex
	head int64
}

const notifyPause = 20 * time.Millisecond

func (n *notifier) start(s *store) {
	n.wake, n.done, n.end = make(chan struct{}, 1), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(n.done)
		for {
			select {
			case <-n.end:
				return
			case <-n.wake:
			}
			n.mu.Lock()
			head := n.head
			n.mu.Unlock()
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			// A notification has a commit record; nobody needs its sync.
			_, err := s.pool.Exec(ctx, `SELECT set_config('synchronous_commit', 'off', true), pg_notify($1, $2)`, s.channel, strconv.FormatInt(head, 10))
			cancel()
			if err != nil {
				s.o.Logger.Debug("pgstore: notification lost; others find the records when they poll", "err", err)
			}
			select {
			case <-n.end:
				return
			case <-time.After(notifyPause):
			}
		}
	}()
}

func (n *notifier) moved(head int64) {
	n.mu.Lock()
	n.head = head
	n.mu.Unlock()
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

func (n *notifier) stop() {
	if n.end != nil {
		n.once.Do(func() { close(n.end) })
		<-n.done
	}
}

// Watch listens on a connection of its own and mends it when it breaks.
func (s *store) Watch(ctx context.Context) (<-chan int64, error) {
	ch := make(chan int64, 1)
	go func() {
		defer close(ch)
		for ctx.Err() == nil {
			err := s.listen(ctx, ch)
			if ctx.Err() != nil {
				return
			}
			s.o.Logger.Debug("pgstore: listening anew", "err", err)
			select {
			case <-ctx.Done():
			case <-time.After(200 * time.Millisecond):
			}
		}
	}()
	return ch, nil
}

func (s *store) listen(ctx context.Context, ch chan int64) error {
	c, err := pgx.ConnectConfig(ctx, s.pool.Config().ConnConfig)
	if err != nil {
		return err
	}
	defer func() {
		end, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = c.Close(end) // nothing depends on a listener's farewell
	}()
	if _, err := c.Exec(ctx, "LISTEN "+pgx.Identifier{s.channel}.Sanitize()); err != nil {
		return err
	}
	latest(ch, 0) // what moved before we listened
	for {
		n, err := c.WaitForNotification(ctx)
		if err != nil {
			return err
		}
		head, err := strconv.ParseInt(n.Payload, 10, 64)
		if err != nil {
			head = 0 // somebody else's; look
		}
		latest(ch, head)
	}
}

// latest puts v in the place of what a slow receiver has not fetched.
func latest(ch chan int64, v int64) {
	for {
		select {
		case ch <- v:
			return
		default:
		}
		select {
		case <-ch:
		default:
		}
	}
}
