package form

import "muster/internal/finding/eventform"

type asffResource struct {
	Type      string
	ID        string `json:"Id"`
	Partition string
	Region    string
	Tags      map[string]string `json:",omitempty"`
	Details   *asffDetails      `json:",omitempty"`
}

type asffDetails struct {
	AwsEc2Instance       *asffInstance `json:",omitempty"`
	AwsEcrContainerImage *asffImage    `json:",omitempty"`
	AwsLambdaFunction    *asffFunction `json:",omitempty"`
}

type asffInstance struct {
	Type                  string   `json:",omitempty"`
	ImageID               string   `json:"ImageId,omitempty"`
	IPV4Addresses         []string `json:"IpV4Addresses,omitempty"`
	IPV6Addresses         []string `json:"IpV6Addresses,omitempty"`
	KeyName               string   `json:",omitempty"`
	IamInstanceProfileArn string   `json:",omitempty"`
	VpcID                 string   `json:"VpcId,omitempty"`
	SubnetID              string   `json:"SubnetId,omitempty"`
	LaunchedAt            string   `json:",omitempty"`
}

type asffImage struct {
	RegistryID       string `json:"RegistryId"`
	RepositoryName   string
	Architecture     string `json:",omitempty"`
	ImageDigest      string
	ImageTags        []string `json:",omitempty"`
	ImagePublishedAt string   `json:",omitempty"`
}

type asffFunction struct {
	FunctionName string
	Runtime      string   `json:",omitempty"`
	CodeSha256   string   `json:",omitempty"`
	Version      string   `json:",omitempty"`
	Role         string   `json:",omitempty"`
	LastModified string   `json:",omitempty"`
	VpcConfig    *asffVPC `json:",omitempty"`
}

type asffVPC struct {
	SecurityGroupIds []string `json:",omitempty"`
	SubnetIds        []string `json:",omitempty"`
	VpcID            string   `json:"VpcId,omitempty"`
}

func hubResource(r *eventform.Resource, account string) asffResource {
	out := asffResource{Type: "Other", ID: resourceARN(r, account), Partition: r.Partition, Region: r.Region, Tags: r.Tags}
	switch d := r.Details; {
	case d.Instance != nil:
		i := d.Instance
		out.Type, out.Details = "AwsEc2Instance", &asffDetails{AwsEc2Instance: &asffInstance{
			i.Type, i.ImageID, i.IPv4, i.IPv6, i.KeyName, i.ProfileARN, i.VPC, i.Subnet, iso(i.LaunchedAt)}}
	case d.Image != nil:
		i := d.Image
		out.Type, out.Details = "AwsEcrContainerImage", &asffDetails{AwsEcrContainerImage: &asffImage{
			i.Registry, i.Repository, i.Architecture, i.Hash, i.Tags, iso(i.PushedAt)}}
	case d.Function != nil:
		u := d.Function
		detail := &asffFunction{u.Name, u.Runtime, u.CodeSHA256, u.Version, u.RoleARN, iso(u.LastModifiedAt), nil}
		if u.VPC != nil {
			detail.VpcConfig = &asffVPC{u.VPC.SecurityGroups, u.VPC.Subnets, u.VPC.ID}
		}
		out.Type, out.Details = "AwsLambdaFunction", &asffDetails{AwsLambdaFunction: detail}
	}
	return out
}
