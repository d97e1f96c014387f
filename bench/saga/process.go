package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// task is what a contender does in a turn.
type task struct {
	Name string
	At   int // sagas at once
	Span time.Duration
}

// sample is what came of it.
type sample struct {
	Rate    float64 // sagas a second
	CPU     float64 // ms of the contender's process a saga
	Commits float64 // a saga
	Err     string
}

// row is a contender's process as its parent has it.
type row struct {
	contender
	about   string
	samples map[int][]sample // by how many at once

	cmd *exec.Cmd
	in  *json.Encoder
	out *bufio.Reader
}

func begin(e *env, number int, c contender) (*row, error) {
	r := &row{contender: c, samples: map[int][]sample{}}
	r.cmd = exec.Command(os.Args[0], "-child", strconv.Itoa(number), "-dir", e.dir, "-postgres", e.postgres, "-temporal", e.temporal, "-only", e.only)
	r.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // its servers stop with it
	r.cmd.Stderr = os.Stderr
	in, err := r.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	r.in, r.out = json.NewEncoder(in), bufio.NewReader(out)
	if err := r.cmd.Start(); err != nil {
		return nil, err
	}
	line, err := r.out.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &r.about)
	}
	if err != nil {
		r.end()
		return nil, fmt.Errorf("it did not begin: %w", err)
	}
	return r, r.signal(syscall.SIGSTOP)
}

func (r *row) signal(s syscall.Signal) error { return syscall.Kill(-r.cmd.Process.Pid, s) }

// turn wakes the contender for one task.
func (r *row) turn(t task) (s sample, err error) {
	if err := r.signal(syscall.SIGCONT); err != nil {
		return s, err
	}
	if err := r.in.Encode(t); err != nil {
		return s, err
	}
	line, err := r.out.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &s)
	}
	if err == nil && s.Err != "" {
		err = fmt.Errorf("%s", s.Err)
	}
	if err != nil {
		return s, err
	}
	return s, r.signal(syscall.SIGSTOP)
}

// end asks the contender to clean up, and makes sure that it is gone.
func (r *row) end() {
	_ = r.signal(syscall.SIGCONT)
	_ = r.in.Encode(task{})
	timer := time.AfterFunc(15*time.Second, func() { _ = r.signal(syscall.SIGKILL) })
	_ = r.cmd.Wait() // how a contender ends is no result
	timer.Stop()
}

// serve is the contender's side: a line about itself, then one a task.
func serve(e *env, c contender) error {
	do, end, about, err := c.open(context.Background(), e)
	if err != nil {
		return err
	}
	defer end()
	out, in := json.NewEncoder(os.Stdout), json.NewDecoder(os.Stdin)
	if err := out.Encode(about); err != nil {
		return err
	}
	for {
		var t task
		if err := in.Decode(&t); err != nil || t.At == 0 {
			return nil
		}
		if err := out.Encode(c.perform(do, t)); err != nil {
			return err
		}
	}
}

// perform runs sagas for a while, so many at once; those under way are finished.
func (c contender) perform(do func(context.Context, string) error, t task) sample {
	var wg sync.WaitGroup
	var done, commits atomic.Int64
	var failed atomic.Pointer[error]
	if c.commits != nil {
		commits.Store(c.commits.Load())
	}
	cpu, start := processor(), time.Now()
	for w := range t.At {
		wg.Go(func() {
			for i := 0; time.Since(start) < t.Span && failed.Load() == nil; i++ {
				if err := do(context.Background(), fmt.Sprintf("%s-%d-%d", t.Name, w, i)); err != nil {
					failed.Store(&err)
					return
				}
				done.Add(1)
			}
		})
	}
	wg.Wait()
	took, n := time.Since(start).Seconds(), float64(done.Load())
	if p := failed.Load(); p != nil {
		return sample{Err: (*p).Error()}
	}
	s := sample{Rate: n / took, CPU: (processor() - cpu) * 1000 / n}
	if c.commits != nil {
		s.Commits = float64(c.commits.Load()-commits.Load()) / n
	}
	return s
}

// processor returns the time that this process has had of the processors, in seconds.
func processor() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}
