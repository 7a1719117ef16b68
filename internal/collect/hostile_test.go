package collect

import (
	"encoding/xml"
	"strings"
	"testing"
)

// TestResultsWithinResults: an answer of results in results, without end, does
// not go as deep as the stack.
func TestResultsWithinResults(t *testing.T) {
	t.Parallel()
	const result = "DescribeListenersResult"
	deep := "<" + result + "Response>" + strings.Repeat("<"+result+">", 200_000)
	p := page[struct{}]{list: "Listeners"}
	if err := xml.Unmarshal([]byte(deep), &p); err == nil {
		t.Error("what never ends is read")
	}
	p = page[struct{}]{list: "Listeners"}
	one := "<x><" + result + "><" + result + "><Listeners><member/></Listeners></" + result + "><Listeners><member/><member/></Listeners></" + result + "></x>"
	if err := xml.Unmarshal([]byte(one), &p); err != nil || len(p.rows) != 2 {
		t.Errorf("%d rows, %v: a result within a result counts", len(p.rows), err)
	}
}

// FuzzListing: whatever the answer, it is rows, or an error.
func FuzzListing(f *testing.F) {
	f.Add([]byte(`<DescribeVpcsResponse><vpcSet><item><vpcId>vpc-1</vpcId></item></vpcSet><nextToken>x</nextToken></DescribeVpcsResponse>`))
	f.Add([]byte(`<r><DescribeListenersResult><vpcSet><member><a/></member></vpcSet></DescribeListenersResult></r>`))
	f.Fuzz(func(_ *testing.T, data []byte) {
		p := page[struct {
			ID string `xml:"vpcId"`
		}]{list: "vpcSet"}
		_ = xml.Unmarshal(data, &p)
	})
}
