package importer

import "time"

// Beat has jobs write how far they are more often, for tests that look.
func Beat(every time.Duration) { beat = every }
