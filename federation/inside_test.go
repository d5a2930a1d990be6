package federation

import (
	"testing"
	"time"
)

// The key of XEP-0185 section 3.
func TestDialbackKey(t *testing.T) {
	const want = "37c69b1cf07a3f67c04a5ef5902fa5114f2c76fe4a2686482ba5b89323075643"
	if got := dialbackKey([]byte("s3cr3tf0rd14lb4ck"), "xmpp.example.com", "example.org", "D60000229F"); got != want {
		t.Errorf("the key is %s", got)
	}
}

// The time between tries grows, is never the same for everybody, and has an end.
func TestBackoff(t *testing.T) {
	seen := map[time.Duration]bool{}
	for failures := 1; failures < 70; failures++ {
		least := min(firstRetry<<min(failures-1, 20), lastRetry)
		for range 20 {
			d := backoff(failures)
			seen[d] = true
			if d < least || d > least+least/2+1 {
				t.Fatalf("after %d failures it waits %s", failures, d)
			}
		}
	}
	if len(seen) < 500 {
		t.Errorf("%d different times only", len(seen))
	}
}
