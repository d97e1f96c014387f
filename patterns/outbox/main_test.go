package outbox_test

import (
	"context"
	"testing"

	"go.uber.org/goleak"

	"github.com/ashlar-dev/ashlar/patterns/internal/crashtest"
)

func TestMain(m *testing.M) {
	crashtest.Main(map[string]func(context.Context) error{"relay": relayRole, "consumer": consumerRole})
	goleak.VerifyTestMain(m)
}
