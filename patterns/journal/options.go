package journal

import (
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Options of [Open]; nil and the zero value are the defaults.
type Options struct {
	MaxRecordBytes  int // Data and Meta of one record together; default 1 MiB
	MaxUnitRecords  int // records of one Append; default 1000
	MaxUnitBytes    int // Data and Meta of one Append; default 8 MiB
	MaxWaiting      int // appends that may wait for the writer; more block in Append until there is room; default 4096
	MaxGroupUnits   int // appends committed together; default 1024
	MaxGroupBytes   int // their Data and Meta, past the first append; default 4 MiB
	MaxGroupRecords int // their records, past the first append; default 5000

	// Poll is how often Follow looks for records of other processes where the
	// store cannot tell (SQLite) or its word was lost; default 1 s.
	Poll time.Duration
	// Retention is how long a stream is kept after its Final record; default 0:
	// for ever. RetainEvery is the pause between two rounds; default 1 minute.
	Retention   time.Duration
	RetainEvery time.Duration

	// Now is the clock of Record.Time; default time.Now.
	Now func() time.Time
	// Observe is called after each commit, by the writer: keep it short. Nil: none.
	Observe func(Commit)
	Logger  *slog.Logger // default slog.Default()
}

// Commit is what the writer did with one group, for metrics.
type Commit struct {
	Units, Records int
	Refused        int           // units answered with an error of their own
	Took           time.Duration // of the store's Commit
	Err            error         // the group's
}

// Validate joins all faults of the options.
func (o *Options) Validate() error {
	if o == nil {
		return nil
	}
	var errs []error
	for name, v := range map[string]int64{
		"MaxRecordBytes": int64(o.MaxRecordBytes), "MaxUnitRecords": int64(o.MaxUnitRecords), "MaxUnitBytes": int64(o.MaxUnitBytes),
		"MaxWaiting": int64(o.MaxWaiting), "MaxGroupUnits": int64(o.MaxGroupUnits), "MaxGroupBytes": int64(o.MaxGroupBytes), "MaxGroupRecords": int64(o.MaxGroupRecords),
		"Poll": int64(o.Poll), "Retention": int64(o.Retention), "RetainEvery": int64(o.RetainEvery),
	} {
		if v < 0 {
			errs = append(errs, fmt.Errorf("journal.Options.%s is %d; want 0 (the default) or more", name, v))
		}
	}
	if o.Retention > 0 && o.Retention < time.Minute {
		errs = append(errs, fmt.Errorf("journal.Options.Retention is %s; want at least 1m, so that nobody still reads what is removed", o.Retention))
	}
	return errors.Join(errs...)
}

func (o *Options) orDefaults() Options {
	var d Options
	if o != nil {
		d = *o
	}
	def(&d.MaxRecordBytes, 1<<20)
	def(&d.MaxUnitRecords, 1000)
	def(&d.MaxUnitBytes, 8<<20)
	def(&d.MaxWaiting, 4096)
	def(&d.MaxGroupUnits, 1024)
	def(&d.MaxGroupBytes, 4<<20)
	def(&d.MaxGroupRecords, 5000)
	def(&d.Poll, time.Second)
	def(&d.RetainEvery, time.Minute)
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.Logger == nil {
		d.Logger = slog.Default()
	}
	return d
}

func def[T int | time.Duration](p *T, v T) {
	if *p == 0 {
		*p = v
	}
}
