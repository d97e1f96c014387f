// Package cli is Ashlar's command line as a function, one file a verb. A verb
// parses flags, calls the library and prints; it decides nothing.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/ashlar-dev/ashlar/formats/doc"
	"github.com/ashlar-dev/ashlar/internal/treesitter"
)

// Version of the program.
const Version = "0.1.0-dev"

// Exit codes.
const (
	ExitOK          = 0
	ExitFindings    = 1 // findings at or above the threshold
	ExitUsage       = 2 // usage or model error
	ExitEnvironment = 3 // a server, a file system or a network that does not answer
)

// app is one run of the command line.
type app struct {
	ctx            context.Context
	stdin          io.Reader
	stdout, stderr io.Writer
	color, noColor bool
}

// exit carries an exit code up to Do. A nil err has been reported already.
type exit struct {
	code int
	err  error
}

func (e *exit) Error() string {
	if e.err == nil {
		return fmt.Sprint("exit ", e.code)
	}
	return e.err.Error()
}

func (e *exit) Unwrap() error { return e.err }

// Do runs one command and returns its exit code: 0 fine, 1 findings at or above
// the threshold, 2 usage or model error, 3 the environment does not play along.
func Do(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if len(args) == 1 && args[0] == treesitter.Verb { // a child of another run that parses source files
		if err := treesitter.Serve(stdin, stdout); err != nil {
			return ExitEnvironment
		}
		return ExitOK
	}
	a := &app{ctx: ctx, stdin: stdin, stdout: stdout, stderr: stderr, color: terminal(stdout)}
	root := a.root()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return ExitOK
	}
	code := ExitUsage
	var ex *exit
	if errors.As(err, &ex) {
		code = ex.code
		if ex.err == nil {
			return code
		}
	}
	if errors.Is(err, context.Canceled) {
		_, _ = fmt.Fprintln(stderr, "ashlar: interrupted")
		return ExitEnvironment
	}
	a.complain(err)
	return code
}

// complain prints an error; faults of files with the line that they are about.
func (a *app) complain(err error) {
	var joined interface{ Unwrap() []error }
	if errors.As(err, &joined) {
		if errs := joined.Unwrap(); len(errs) == 1 || allFaults(errs) {
			for _, e := range errs {
				a.complain(e)
			}
			return
		}
	}
	var f *doc.Fault
	if errors.As(err, &f) {
		_, _ = fmt.Fprintln(a.stderr, f.Frame())
		return
	}
	_, _ = fmt.Fprintln(a.stderr, "ashlar: "+doc.Redact(err.Error()))
}

func allFaults(errs []error) bool {
	for _, e := range errs {
		var f *doc.Fault
		if !errors.As(e, &f) {
			return false
		}
	}
	return len(errs) > 0
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "ashlar",
		Short: "A microservices architect that you can run",
		Long: strings.TrimSpace(`
Ashlar is a microservices architect that you can run. Point it at what describes
your system (manifests, mesh and gateway configuration, traces): it answers with
the map, and with the red flags and their evidence.

It reads files only; it never uses the network unless you ask.`),
		Example: "  ashlar review deploy/\n  kubectl get deploy,svc,virtualservice -o yaml | ashlar review -\n  ashlar diagram deploy/ -o map.svg",
		Version: Version, SilenceErrors: true, SilenceUsage: true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	root.SetVersionTemplate("ashlar {{.Version}}\n")
	root.PersistentFlags().BoolVar(&a.noColor, "no-color", false, "print without colours (also: NO_COLOR)")
	root.AddCommand(a.discoverCmd(), a.reviewCmd(), a.baselineCmd(), a.fixCmd(), a.diagramCmd(), a.diffCmd(), a.explainCmd(),
		a.splitCmd(), a.adviseCmd(), a.sagaCmd(), a.dlqCmd(), a.readModelCmd(), a.mcpCmd())
	return root
}

// terminal reports whether w shows colours.
func terminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return false
	}
	fi, err := f.Stat()
	return err == nil && fi.Mode()&os.ModeCharDevice != 0
}

// output opens where the result goes: a file, or standard output for "" and "-".
func (a *app) output(name string) (io.Writer, func() error, error) {
	if name == "" || name == "-" {
		return a.stdout, func() error { return nil }, nil
	}
	f, err := os.Create(name)
	if err != nil {
		return nil, nil, &exit{ExitEnvironment, err}
	}
	return f, f.Close, nil
}

// columns is how wide a terminal is; 0 when it is none, or does not say.
func columns(w io.Writer) int {
	f, ok := w.(*os.File)
	if !ok {
		return 0
	}
	n, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return 0
	}
	return n
}
