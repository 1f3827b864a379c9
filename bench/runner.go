package main

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// bench is one run of everything.
type bench struct {
	ctx     context.Context
	plan    plan
	system  *system
	metrics []*metric
	report  strings.Builder // what is no line of the table
}

// metric adds a line to the table.
func (b *bench) metric(name, unit, limit string) *metric {
	m := &metric{name: name, unit: unit, limit: limit}
	b.metrics = append(b.metrics, m)
	return m
}

// sample is one run of one load.
type sample struct {
	took  time.Duration
	times []int64 // of each operation, in nanoseconds
}

func (s sample) rate() float64 { return float64(len(s.times)) / s.took.Seconds() }

// ms is a quantile of the operations' times, in milliseconds.
func (s sample) ms(q float64) float64 { return float64(quantile(s.times, q)) / 1e6 }

// per is a time spent on all operations as milliseconds of each.
func (s sample) per(spent time.Duration) float64 {
	return float64(spent.Microseconds()) / 1e3 / float64(max(1, len(s.times)))
}

// load has workers do something over and over, each waiting for its answer
// before the next, until it was done count times (0: no end) or for as long as
// d (0: no end).
func load(ctx context.Context, workers, count int, d time.Duration, do func(worker, i int) error) (sample, error) {
	if d > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, d)
		defer cancel()
	}
	return paced(ctx, workers, count, 0, do)
}

// paced is load with operations that begin at so many each second, whether or not
// those before are done: a late one counts from when it should have begun. At 0
// each worker goes on at once.
func paced(ctx context.Context, workers, count int, rate float64, do func(worker, i int) error) (sample, error) {
	var next atomic.Int64
	times, errs := make([][]int64, workers), make([]error, workers)
	var all sync.WaitGroup
	start := time.Now()
	for w := range workers {
		all.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if count > 0 && i >= count {
					return
				}
				began := time.Now()
				if rate > 0 {
					began = start.Add(time.Duration(float64(i) / rate * float64(time.Second)))
					time.Sleep(time.Until(began))
				}
				if errs[w] = do(w, i); errs[w] != nil {
					return
				}
				times[w] = append(times[w], int64(time.Since(began)))
			}
		})
	}
	all.Wait()
	s := sample{took: time.Since(start)}
	for _, t := range times {
		s.times = append(s.times, t...)
	}
	if err := errors.Join(errs...); err != nil {
		return s, err
	}
	if len(s.times) == 0 {
		return s, errors.Join(errors.New("nothing was done in the time given"), ctx.Err())
	}
	return s, nil
}
