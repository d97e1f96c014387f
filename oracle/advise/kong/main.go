// Command kong says what decK says of declarative configurations without a
// gateway: the JSON schema of the file, then the entities with their defaults and
// what they refer to. It takes file names, one a line, and prints a line a fault,
// "file: what", and "value<TAB>file<TAB>entity<TAB>name<TAB>number" for each limit
// that was read. It ends with 0 when all are accepted, 1 when any is refused.
package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/blang/semver/v4"
	"github.com/kong/go-database-reconciler/pkg/dump"
	"github.com/kong/go-database-reconciler/pkg/file"
	"github.com/kong/go-database-reconciler/pkg/state"
)

func main() {
	bad := false
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		if err := read(in.Text()); err != nil {
			fmt.Printf("%s: %s\n", in.Text(), strings.ReplaceAll(err.Error(), "\n", "; "))
			bad = true
		}
	}
	if bad {
		os.Exit(1)
	}
}

func read(name string) error {
	c, err := file.GetContentFromFiles([]string{name}, false)
	if err != nil {
		return err
	}
	now, err := state.NewKongState()
	if err != nil {
		return err
	}
	raw, err := file.Get(context.Background(), c, file.RenderConfig{CurrentState: now, KongVersion: semver.MustParse("3.9.0")}, dump.Config{}, nil)
	if err != nil {
		return err
	}
	for _, s := range raw.Services {
		fmt.Printf("value\t%s\tservice %s\tread\t%d\n", name, *s.Name, *s.ReadTimeout)
		fmt.Printf("value\t%s\tservice %s\tretries\t%d\n", name, *s.Name, *s.Retries)
	}
	for _, u := range raw.Upstreams {
		if h := u.Healthchecks; h != nil && h.Passive != nil && h.Passive.Unhealthy != nil {
			fmt.Printf("value\t%s\tupstream %s\ttimeouts\t%d\n", name, *u.Name, *h.Passive.Unhealthy.Timeouts)
		}
	}
	for _, t := range raw.Targets {
		fmt.Printf("value\t%s\ttarget %s\tweight\t%d\n", name, *t.Target, *t.Weight)
	}
	return nil
}
