package main

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"daftar/db"
	"daftar/i18n"
	"daftar/registry/audit/seal"
)

// metrics counts without naming anybody: site, route and status.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.HistogramVec
}

func newMetrics(d *db.DB) *metrics {
	m := &metrics{registry: prometheus.NewRegistry(), requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "daftar_request_seconds", Help: "Time to answer a request.",
		Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10},
	}, []string{"site", "route", "status"})}
	m.registry.MustRegister(m.requests)
	for _, role := range db.Roles() {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "daftar_database_connections_busy", Help: "Connections in use.", ConstLabels: prometheus.Labels{"role": string(role)},
		}, func() float64 { _, busy := d.Connections(role); return float64(busy) }))
	}
	return m
}

func (m *metrics) observe(site, route string, status int, took time.Duration) {
	m.requests.WithLabelValues(site, route, strconv.Itoa(status)).Observe(took.Seconds())
}

// handler answers on the operator's port, which is loopback only.
func (m *metrics) handler(d *db.DB, messages *i18n.Bundle, sealer *seal.Sealer) http.Handler {
	for name, gauge := range map[string]struct {
		help string
		f    func(seal.State) float64
	}{
		"daftar_audit_seal_lag_seconds": {"Age of the oldest entry of the audit log that may not be sealed.", func(s seal.State) float64 { return s.Lag.Seconds() }},
		"daftar_audit_broken":           {"1: the audit log was changed, and is not sealed on.", func(s seal.State) float64 { return one(s.Broken != nil) }},
		"daftar_audit_export_failed":    {"1: the last checkpoint could not be given away.", func(s seal.State) float64 { return one(s.Export != nil) }},
	} {
		m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: gauge.help},
			func() float64 { return gauge.f(sealer.State()) }))
	}
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "daftar_message_misses", Help: "Messages that were not found in the page's language.",
	}, func() float64 { return float64(messages.Misses()) }))
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
		defer cancel()
		for _, role := range db.Roles() {
			if err := d.Ping(ctx, role); err != nil {
				http.Error(w, "the database does not answer to role "+string(role), http.StatusServiceUnavailable)
				return
			}
		}
		answerReady(w, sealer.State())
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}))
	return mux
}

func one(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// answerReady says how far the audit log is sealed: an alarm first, and not ready
// once writes are refused.
func answerReady(w http.ResponseWriter, state seal.State) {
	switch {
	case state.Lag >= seal.RefuseAfter:
		http.Error(w, fmt.Sprintf("the audit log has not been sealed for %d s: nothing can be written", int(state.Lag.Seconds())), http.StatusServiceUnavailable)
	case state.Broken != nil:
		_, _ = fmt.Fprintf(w, "alarm: %v\n", state.Broken)
	case state.Lag >= seal.AlarmAfter:
		_, _ = fmt.Fprintf(w, "alarm: the audit log has not been sealed for %d s\n", int(state.Lag.Seconds()))
	default:
		_, _ = w.Write([]byte("ok\n"))
	}
}
