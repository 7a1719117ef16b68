package scan_test

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// row is one of the specification's table of coverage (section 2): the code
// that comes with a reason and what it applies to, or why this desk has no case
// for it.
type row struct{ code, applies, without string }

// Why there is no case here.
const (
	reserved   = "reserved: never to be emitted"
	noSnapshot = "instances are looked at by their agents; disks by the scanner, which keeps no state"
	noKeys     = "what is uploaded is not under keys of the customer's"
	codeScan   = "of code repositories and code scans, whose desk has the cases"
)

// table are all reasons there are.
var table = map[string]row{
	"SUCCESSFUL":           {code: "ACTIVE", applies: "EC2 ECR Lambda"},
	"PENDING_INITIAL_SCAN": {code: "ACTIVE", applies: "EC2 ECR Lambda"},
	"SCAN_IN_PROGRESS":     {without: codeScan},
	"PENDING_REVIVAL_SCAN": {code: "ACTIVE", applies: "ECR"},
	"DEEP_INSPECTION_PACKAGE_COLLECTION_LIMIT_EXCEEDED":  {code: "ACTIVE", applies: "EC2"},
	"DEEP_INSPECTION_DAILY_SSM_INVENTORY_LIMIT_EXCEEDED": {code: "ACTIVE", applies: "EC2"},
	"DEEP_INSPECTION_COLLECTION_TIME_LIMIT_EXCEEDED":     {code: "ACTIVE", applies: "EC2"},
	"DEEP_INSPECTION_NO_INVENTORY":                       {code: "ACTIVE", applies: "EC2"},
	"UNMANAGED_EC2_INSTANCE":                             {code: "INACTIVE", applies: "EC2"},
	"NO_INVENTORY":                                       {code: "INACTIVE", applies: "EC2"},
	"STALE_INVENTORY":                                    {code: "INACTIVE", applies: "EC2"},
	"EC2_INSTANCE_STOPPED":                               {code: "INACTIVE", applies: "EC2"},
	"AGENTLESS_INSTANCE_STORAGE_LIMIT_EXCEEDED":          {without: noSnapshot},
	"AGENTLESS_INSTANCE_COLLECTION_TIME_LIMIT_EXCEEDED":  {without: noSnapshot},
	"UNSUPPORTED_OS":                                     {code: "INACTIVE", applies: "EC2 ECR"},
	"EXCLUDED_BY_TAG":                                    {code: "INACTIVE", applies: "EC2 Lambda"},
	"ACCESS_DENIED":                                      {code: "INACTIVE", applies: "ECR"},
	"ACCESS_DENIED_TO_ENCRYPTION_KEY":                    {without: noKeys},
	"INTERNAL_ERROR":                                     {code: "INACTIVE", applies: "ECR"},
	"RESOURCE_TERMINATED":                                {without: "clean-up is done in the transaction that ends a resource"},
	"PENDING_DISABLE":                                    {code: "INACTIVE", applies: "EC2 ECR Lambda"},
	"SCAN_ELIGIBILITY_EXPIRED":                           {code: "INACTIVE", applies: "ECR Lambda"},
	"SCAN_FREQUENCY_MANUAL":                              {code: "INACTIVE", applies: "ECR"},
	"SCAN_FREQUENCY_SCAN_ON_PUSH":                        {code: "INACTIVE", applies: "ECR"},
	"IMAGE_ARCHIVED":                                     {code: "INACTIVE", applies: "ECR"},
	"UNSUPPORTED_MEDIA_TYPE":                             {code: "INACTIVE", applies: "ECR"},
	"UNSUPPORTED_RUNTIME":                                {code: "INACTIVE", applies: "Lambda"},
	"UNSUPPORTED_CODE_ARTIFACTS":                         {without: codeScan},
	"UNSUPPORTED_LANGUAGE":                               {without: codeScan},
	"NO_SCAN_CONFIGURATION_ASSOCIATED":                   {without: codeScan},
	"INTEGRATION_CONNECTION_LOST":                        {without: codeScan},
	"IMAGE_SIZE_EXCEEDED":                                {without: reserved},
	"NO_RESOURCES_FOUND":                                 {without: reserved},
	"UNSUPPORTED_CONFIG_FILE":                            {without: reserved},
}

// TestEveryReasonHasACase holds the scripts against the table, and the table
// against the interface: a reason that no script brings about, or one that
// comes with another code, fails.
func TestEveryReasonHasACase(t *testing.T) {
	body, err := os.ReadFile("../awsmodel/models/inspector2.json")
	if err != nil {
		t.Fatal(err)
	}
	var model struct {
		Shapes map[string]struct{ Enum []string }
	}
	if err := json.Unmarshal(body, &model); err != nil {
		t.Fatal(err)
	}
	known := model.Shapes["ScanStatusReason"].Enum
	if len(known) == 0 {
		t.Fatal("the interface has no reasons")
	}
	seen := reasonsOfScripts(t)
	for _, reason := range known {
		row, listed := table[reason]
		if !listed || (row.without == "") != (row.code != "") {
			t.Errorf("%s is not in the table", reason)
		}
		var want []string
		for kind := range strings.FieldsSeq(row.applies) {
			want = append(want, kind+" "+row.code)
		}
		if got := seen[reason]; !slices.Equal(got, want) {
			t.Errorf("%s: the scripts have cases of %q, want %q", reason, got, want)
		}
	}
	for reason := range table {
		if !slices.Contains(known, reason) {
			t.Errorf("%s is no reason of the interface", reason)
		}
	}
}

// reasonsOfScripts are the kinds of resources with which each reason comes in
// the answers of the scripts, and the code, as "EC2 ACTIVE".
func reasonsOfScripts(t *testing.T) map[string][]string {
	t.Helper()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string][]string{}
	for _, file := range files {
		kind := "EC2"
		switch filepath.Base(file) {
		case "coverage_images.txt":
			kind = "ECR"
		case "coverage_functions.txt":
			kind = "Lambda"
		}
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		for lines := bufio.NewScanner(f); lines.Scan(); {
			w := strings.Fields(lines.Text())
			if len(w) == 4 && strings.HasPrefix(w[3], "scanned=") && !slices.Contains(seen[w[2]], kind+" "+w[1]) {
				seen[w[2]] = append(seen[w[2]], kind+" "+w[1])
			}
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for _, list := range seen {
		slices.Sort(list)
	}
	return seen
}
