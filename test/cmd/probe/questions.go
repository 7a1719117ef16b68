package main

import (
	"fmt"
	"strings"

	"muster/internal/arn"
	"muster/test/fleetgen"
)

// question is a call.
type question struct {
	name    string
	account arn.AccountID
	// path is that of an operation of Inspector; target is one of muster's own.
	path, target, body string
	deep               bool
}

// asker is somebody who asks.
type asker struct {
	name    string
	account arn.AccountID
}

func questions(s fleetgen.Shape) []question {
	askers := []asker{{"administrator", fleetgen.Audit}, {"large member", fleetgen.Member(0)}, {"small member", fleetgen.Member(s.Accounts - 1)}}
	var list []question
	for _, a := range askers {
		list = append(list, a.findings(s)...)
		list = append(list, a.aggregations(s)...)
		list = append(list, a.others(s)...)
	}
	return list
}

func (a asker) question(name, path, body string) question {
	return question{name: a.name + ": " + name, account: a.account, path: path, body: body}
}

// equals is a criterion.
func equals(name, value string) string {
	return fmt.Sprintf(`%q:[{"comparison":"EQUALS","value":%q}]`, name, value)
}

func (a asker) findings(s fleetgen.Shape) (list []question) {
	ask := func(name, members string) {
		list = append(list, a.question("list "+name, "/findings/list", `{"maxResults":50`+members+`}`))
	}
	for _, field := range []string{"AWS_ACCOUNT_ID", "FINDING_TYPE", "SEVERITY", "FIRST_OBSERVED_AT", "LAST_OBSERVED_AT", "FINDING_STATUS", "RESOURCE_TYPE",
		"ECR_IMAGE_PUSHED_AT", "ECR_IMAGE_REPOSITORY_NAME", "ECR_IMAGE_REGISTRY", "NETWORK_PROTOCOL", "COMPONENT_TYPE", "VULNERABILITY_ID",
		"VULNERABILITY_SOURCE", "INSPECTOR_SCORE", "VENDOR_SEVERITY", "EPSS_SCORE"} {
		for _, order := range []string{"ASC", "DESC"} {
			ask("by "+field+" "+order, `,"sortCriteria":{"field":"`+field+`","sortOrder":"`+order+`"}`)
		}
	}
	machine := s.Resource(s.Resources / 3)
	active := equals("findingStatus", "ACTIVE")
	for _, f := range []struct{ name, criteria string }{
		{"active", active}, {"suppressed", equals("findingStatus", "SUPPRESSED")}, {"closed", equals("findingStatus", "CLOSED")},
		{"critical", active + `,` + equals("severity", "CRITICAL")}, {"untriaged", active + `,` + equals("severity", "UNTRIAGED")},
		{"exploitable", active + `,` + equals("exploitAvailable", "YES")}, {"fixable", active + `,` + equals("fixAvailable", "YES")},
		{"not fixable", active + `,` + equals("fixAvailable", "NO")}, {"network", active + `,` + equals("findingType", "NETWORK_REACHABILITY")},
		{"functions", active + `,` + equals("resourceType", "AWS_LAMBDA_FUNCTION")},
		{"of a common vulnerability", active + `,` + equals("vulnerabilityId", fmt.Sprintf("CVE-2026-%05d", s.OneIn))},
		{"of a rare vulnerability", active + `,` + equals("vulnerabilityId", fleetgen.SpecialCVE)},
		{"of no vulnerability", active + `,` + equals("vulnerabilityId", "CVE-1999-0001")},
		{"of an account", active + `,` + equals("awsAccountId", string(fleetgen.Member(3)))},
		{"of a small account", active + `,` + equals("awsAccountId", string(fleetgen.Member(s.Accounts*9/10)))},
		{"of a machine", active + `,` + equals("resourceId", machine.ID)}, {"of an image of machines", active + `,` + equals("ec2InstanceImageId", machine.AMI)},
		{"of no image of machines", active + `,` + equals("ec2InstanceImageId", "ami-none")},
		{"titled", active + `,"title":[{"comparison":"PREFIX","value":"CVE-2026-0002"}]`}, {"titled otherwise", active + `,` + equals("title", "nothing of the kind")},
		{"of a package", active + `,"vulnerablePackages":[{"name":{"comparison":"EQUALS","value":"` + fmt.Sprintf("package-%05d", s.OneIn) + `"}}]`},
		{"of no package", active + `,"vulnerablePackages":[{"name":{"comparison":"EQUALS","value":"nobody-has-this"}}]`},
		{"of a tag", active + `,"resourceTags":[{"comparison":"EQUALS","key":"Name","value":"` + machine.ID + `"}]`},
		{"of a high EPSS", active + `,"epssScore":[{"lowerInclusive":0.9}]`}, {"of an impossible EPSS", active + `,"epssScore":[{"lowerInclusive":1}]`},
		{"of a score", active + `,"inspectorScore":[{"lowerInclusive":9}]`}, {"before all", active + `,"lastObservedAt":[{"endInclusive":1000000000}]`},
		{"of a source", active + `,` + equals("vulnerabilitySource", "NVD")}, {"of a platform", active + `,` + equals("ec2InstanceVpcId", "vpc-none")},
	} {
		ask(f.name, `,"filterCriteria":{`+f.criteria+`}`)
		ask(f.name+" by severity", `,"filterCriteria":{`+f.criteria+`},"sortCriteria":{"field":"SEVERITY","sortOrder":"DESC"}`)
	}
	for _, field := range []string{"SEVERITY", "LAST_OBSERVED_AT", "VULNERABILITY_ID"} {
		deep := a.question("list deep by "+field, "/findings/list", `{"maxResults":100,"sortCriteria":{"field":"`+field+`","sortOrder":"DESC"}}`)
		deep.deep = true
		list = append(list, deep)
	}
	return list
}

func (a asker) aggregations(s fleetgen.Shape) (list []question) {
	for kind, sorts := range map[string]string{
		"FINDING_TYPE": "findingTypeAggregation", "PACKAGE": "packageAggregation", "TITLE": "titleAggregation", "REPOSITORY": "repositoryAggregation",
		"AMI": "amiAggregation", "AWS_EC2_INSTANCE": "ec2InstanceAggregation", "AWS_ECR_CONTAINER": "awsEcrContainerAggregation", "IMAGE_LAYER": "imageLayerAggregation",
		"ACCOUNT": "accountAggregation", "AWS_LAMBDA_FUNCTION": "lambdaFunctionAggregation", "LAMBDA_LAYER": "lambdaLayerAggregation", "CODE_REPOSITORY": "codeRepositoryAggregation",
	} {
		for _, by := range []string{"CRITICAL", "ALL"} {
			list = append(list, a.question("aggregate "+kind+" by "+by, "/findings/aggregation/list",
				`{"aggregationType":"`+kind+`","maxResults":50,"aggregationRequest":{"`+sorts+`":{"sortBy":"`+by+`","sortOrder":"DESC"}}}`))
		}
	}
	aggregate := func(name, kind, request string) {
		list = append(list, a.question("aggregate "+name, "/findings/aggregation/list", `{"aggregationType":"`+kind+`","maxResults":50,"aggregationRequest":`+request+`}`))
	}
	aggregate("TITLE of a type", "TITLE", `{"titleAggregation":{"findingType":"PACKAGE_VULNERABILITY"}}`)
	aggregate("TITLE of a vulnerability", "TITLE", `{"titleAggregation":{"vulnerabilityIds":[{"comparison":"EQUALS","value":"`+fmt.Sprintf("CVE-2026-%05d", s.OneIn)+`"}]}}`)
	aggregate("AWS_EC2_INSTANCE of a platform", "AWS_EC2_INSTANCE", `{"ec2InstanceAggregation":{"operatingSystems":[{"comparison":"EQUALS","value":"DEBIAN_12"}]}}`)
	aggregate("AWS_EC2_INSTANCE of no platform", "AWS_EC2_INSTANCE", `{"ec2InstanceAggregation":{"operatingSystems":[{"comparison":"EQUALS","value":"PLAN9"}]}}`)
	aggregate("PACKAGE of a name", "PACKAGE", `{"packageAggregation":{"packageNames":[{"comparison":"EQUALS","value":"`+fmt.Sprintf("package-%05d", s.OneIn)+`"}]}}`)
	deep := a.question("aggregate deep AWS_EC2_INSTANCE", "/findings/aggregation/list", `{"aggregationType":"AWS_EC2_INSTANCE","maxResults":100}`)
	deep.deep = true
	return append(list, deep)
}

func (a asker) others(s fleetgen.Shape) (list []question) {
	ask := func(name, path, body string) { list = append(list, a.question(name, path, body)) }
	ask("coverage", "/coverage/list", `{"maxResults":50}`)
	ask("coverage of a machine", "/coverage/list", `{"filterCriteria":{`+equals("resourceId", s.Resource(s.Resources/3).ID)+`}}`)
	ask("coverage inactive", "/coverage/list", `{"filterCriteria":{`+equals("scanStatusCode", "INACTIVE")+`}}`)
	ask("coverage of an image of machines", "/coverage/list", `{"filterCriteria":{"ec2InstanceTags":[{"comparison":"EQUALS","key":"Name","value":"nothing"}]}}`)
	ask("coverage of functions", "/coverage/list", `{"filterCriteria":{`+equals("resourceType", "AWS_LAMBDA_FUNCTION")+`}}`)
	deep := a.question("coverage deep", "/coverage/list", `{"maxResults":200}`)
	deep.deep = true
	list = append(list, deep)
	for _, by := range strings.Fields("SCAN_STATUS_CODE SCAN_STATUS_REASON ACCOUNT_ID RESOURCE_TYPE ECR_REPOSITORY_NAME") {
		ask("coverage statistics by "+by, "/coverage/statistics/list", `{"groupBy":"`+by+`"}`)
	}
	ask("coverage statistics of a machine", "/coverage/statistics/list", `{"filterCriteria":{`+equals("resourceId", s.Resource(s.Resources/3).ID)+`}}`)
	ask("coverage statistics scanned lately", "/coverage/statistics/list", `{"filterCriteria":{"lastScannedAt":[{"startInclusive":1700000000}]}}`)
	ask("filters", "/filters/list", `{}`)
	ask("account permissions", "/accountpermissions/list", `{}`)
	ask("usage totals", "/usage/list", `{}`)
	ask("account status", "/status/batch/get", `{}`)
	ask("vulnerability", "/vulnerabilities/search", `{"filterCriteria":{"vulnerabilityIds":["`+fmt.Sprintf("CVE-2026-%05d", s.OneIn)+`"]}}`)
	if a.account == fleetgen.Audit {
		ask("members", "/members/list", `{"maxResults":50}`)
		ask("usage totals of an account", "/usage/list", `{"accountIds":["`+string(fleetgen.Member(0))+`"]}`)
		ask("organization configuration", "/organizationconfiguration/describe", `{}`)
	}
	own := func(name, target, body string) {
		q := a.question(name, "/", body)
		q.target = target
		list = append(list, q)
	}
	own("summary", "GetSummary", `{}`)
	own("feeds", "ListFeeds", `{}`)
	if a.account == fleetgen.Audit {
		own("account states", "ListAccountStates", `{"maxResults":50}`)
		own("doctor", "DiagnoseOrganization", `{}`)
	}
	return list
}
