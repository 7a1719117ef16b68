package server

import (
	"muster/internal/awsmodel"
	"muster/internal/fleet"
	"muster/internal/iam"
	"muster/internal/inspector"
	"muster/internal/inspector/results"
	"muster/internal/organizations"
	"muster/internal/regions"
	"muster/internal/sts"
)

// titles are the services' names for readers, by signing name.
var titles = map[string]string{
	"inspector2": "Amazon Inspector", "inspector-scan": "Amazon Inspector Scan", "organizations": "AWS Organizations",
	"iam": "AWS IAM", "sts": "AWS STS", "ecr": "Amazon ECR", "ec2": "Amazon EC2 (Regions only)", "muster": "muster",
}

// Coverage lists every service with the operations that the desks implement.
// The desks are made without state, since nothing is asked of them.
func Coverage() []awsmodel.ServiceCoverage {
	keys := iam.NewKeys(nil, nil, nil, nil)
	d := &desks{
		iam: iam.New(keys, iam.Options{}), sts: sts.New(nil, keys, nil), organizations: organizations.New(nil, organizations.Options{}),
		inspector: inspector.New(inspector.Config{}), results: results.New(results.Config{}), fleet: fleet.New(nil, fleet.Options{}), feeds: &feedDesk{},
		regions: regions.New(nil, nil),
	}
	var list []awsmodel.ServiceCoverage
	for _, s := range d.services() {
		list = append(list, awsmodel.ServiceCoverage{Title: titles[s.Model.SigningName], Service: s})
	}
	return list
}
