package jobs_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"daftar/db"
	"daftar/registry/jobs"
)

// Arguments lie in the queue's tables: their form is a promise to jobs that were
// asked for before an update, and they hold references alone.
func TestArguments(t *testing.T) {
	t.Parallel()
	job := jobs.AssessHousehold{Household: db.ID{1, 15: 2}, Version: 3}
	raw, err := json.Marshal(job)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"household":"01000000-0000-0000-0000-000000000002","version":3}`
	var back jobs.AssessHousehold
	if err := json.Unmarshal([]byte(want), &back); err != nil || string(raw) != want || !reflect.DeepEqual(back, job) {
		t.Errorf("%s, %+v, %v", raw, back, err)
	}
	if job.Kind() != jobs.KindAssessHousehold {
		t.Error(job.Kind())
	}
}
