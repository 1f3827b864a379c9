package main

import (
	"os"
	"testing"
	"time"

	"daftar/auth"
	"daftar/db/dbtest"
	"daftar/demo"
)

func TestMain(m *testing.M) { dbtest.Main(m) }

func TestExp(t *testing.T) {
	if os.Getenv("EXP") == "" {
		t.Skip()
	}
	_ = os.Chdir("..")
	files := generate(20000, 1)
	for range 2 {
		d := dbtest.New(t)
		if err := demo.Seed(t.Context(), d.DB, map[string]string{auth.CitizenProvider: "http://localhost/citizen", auth.StaffProvider: "http://localhost/staff"}); err != nil {
			t.Fatal(err)
		}
		d.Clock.Set(time.Now())
		times, err := importSurvey(t.Context(), d.DB, files)
		t.Log(times, float64(files.persons)/times.total(), files.persons, files.homes, err)
	}
}
