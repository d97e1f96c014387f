package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/ashlar-dev/ashlar/arch"
	"github.com/ashlar-dev/ashlar/design/discover"
	"github.com/ashlar-dev/ashlar/design/discover/keep"
	"github.com/ashlar-dev/ashlar/design/discover/sources"
	"github.com/ashlar-dev/ashlar/internal/treesitter"
)

// input is what every verb that reads a system takes.
type input struct {
	environment string
	aliases     []string
	quiet       bool
	noCache     bool
	views       []arch.System // that join what the paths say
}

func (in *input) flags(c *cobra.Command) {
	c.Flags().StringVarP(&in.environment, "environment", "e", "", "environment to look at, where files tell several apart")
	c.Flags().StringArrayVar(&in.aliases, "alias", nil, "another name of a service, as `OTHER=NAME`; may be repeated")
	c.Flags().BoolVarP(&in.quiet, "quiet", "q", false, "no progress")
	c.Flags().BoolVar(&in.noCache, "no-cache", false, "parse all source files anew and keep nothing between runs (also ASHLAR_CACHE=off; ASHLAR_CACHE=FOLDER keeps it there)")
}

// paths are the arguments of a verb that reads a system.
func paths(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("%s needs a PATH: a file, a folder such as . or - for standard input", c.Name())
	}
	return nil
}

// read discovers the system that the paths describe.
func (a *app) read(in *input, paths []string) (*discover.Result, error) {
	opts := &discover.Options{Environment: in.environment, Aliases: map[string]string{}, Views: in.views}
	for _, s := range in.aliases {
		other, name, ok := strings.Cut(s, "=")
		if !ok || other == "" || name == "" {
			return nil, fmt.Errorf("--alias %s: want OTHER=NAME", s)
		}
		opts.Aliases[other] = name
	}
	if slices.Contains(paths, "-") {
		opts.Stdin = func() (io.ReadCloser, error) { return io.NopCloser(a.stdin), nil }
	}
	if f, ok := a.stderr.(*os.File); ok && !in.quiet && terminal(f) {
		opts.Progress = func(done, total int) {
			_, _ = fmt.Fprintf(f, "\rreading %d of %d files\x1b[K", done, total)
			if done == total {
				_, _ = fmt.Fprint(f, "\r\x1b[K")
			}
		}
	}
	trees, err := treesitter.New(nil)
	if err != nil {
		return nil, &exit{ExitEnvironment, err}
	}
	defer func() { _ = trees.Close() }()
	cache := in.cache()
	r, err := discover.Run(a.ctx, sources.With(&sources.Options{Trees: trees, Cache: cache}), paths, opts)
	cache.Trim()
	if errors.Is(err, discover.ErrNothing) {
		for i, s := range r.Skipped {
			if i == 5 {
				_, _ = fmt.Fprintf(a.stderr, "ashlar: %d more files could not be read\n", len(r.Skipped)-i)
				break
			}
			_, _ = fmt.Fprintf(a.stderr, "ashlar: %s: %s\n", s.Path, s.Why)
		}
	}
	return r, err
}

// cache of what source files say, in the user's own cache folder; nil when it is
// not wanted or there is no place for it, which costs only time.
func (in *input) cache() *keep.Store {
	dir := os.Getenv("ASHLAR_CACHE")
	if in.noCache || dir == "off" {
		return nil
	}
	if dir == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return nil
		}
		dir = filepath.Join(user, "ashlar")
	}
	c, err := keep.Open(filepath.Join(dir, "source"), 0)
	if err != nil {
		return nil
	}
	return c
}

// summary is one line on what was found and what was read.
func summary(r *discover.Result) string { return found(r) + "  (" + sourcesRead(r) + ")" }

// found is one line on what the system has.
func found(r *discover.Result) string {
	s := r.System
	var apps, infra int
	for _, svc := range s.Services {
		if arch.Infrastructure(svc.Role) {
			infra++
		} else {
			apps++
		}
	}
	parts := []string{count(apps, "service")}
	for _, p := range []struct {
		n    int
		what string
	}{{infra, "helper service"}, {len(s.Stores), "store"}, {len(s.Topics), "topic"}, {len(s.Gateways), "gateway"}, {len(s.Externals), "external"}, {len(s.Edges()), "call"}} {
		if p.n > 0 {
			parts = append(parts, count(p.n, p.what))
		}
	}
	return strings.Join(parts, ", ")
}

// sourcesRead is one line on what was read, and by whom.
func sourcesRead(r *discover.Result) string {
	return fmt.Sprintf("read %d of %s: %s", r.Read, count(r.Files, "file"), strings.Join(arch.Sorted(r.System.Coverage), ", "))
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprint(n, " ", what, "s")
}
