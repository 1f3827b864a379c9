package seal_test

import (
	"testing"

	"daftar/db/dbtest"
)

func TestMain(m *testing.M) { dbtest.Main(m) }
