package finding

import (
	"time"
)

// ResourceType is the kind of a resource, in Inspector's words.
type ResourceType string

// The types of resources.
const (
	Instance       ResourceType = "AWS_EC2_INSTANCE"
	ContainerImage ResourceType = "AWS_ECR_CONTAINER_IMAGE"
	Repository     ResourceType = "AWS_ECR_REPOSITORY"
	LambdaFunction ResourceType = "AWS_LAMBDA_FUNCTION"
	CodeRepository ResourceType = "CODE_REPOSITORY"
)

// Resource is something that is scanned. The JSON form is stored; add
// members, never rename them.
type Resource struct {
	Type ResourceType      `json:"type"`
	ID   string            `json:"id"`
	Tags map[string]string `json:"tags,omitempty"`
	// At most one of the five, by Type.
	Instance   *InstanceDetails   `json:"instance,omitempty"`
	Image      *ImageDetails      `json:"image,omitempty"`
	Repository *RepositoryDetails `json:"repository,omitempty"`
	Function   *FunctionDetails   `json:"function,omitempty"`
	Code       *CodeRepoDetails   `json:"code,omitempty"`
}

// InstanceDetails describe a host.
type InstanceDetails struct {
	Type        string    `json:"type,omitempty"`
	ImageID     string    `json:"imageId,omitempty"`
	IPv4        []string  `json:"ipv4,omitempty"`
	IPv6        []string  `json:"ipv6,omitempty"`
	KeyName     string    `json:"keyName,omitempty"`
	ProfileARN  string    `json:"profileArn,omitempty"`
	VPC         string    `json:"vpc,omitempty"`
	Subnet      string    `json:"subnet,omitempty"`
	LaunchedAt  time.Time `json:"launchedAt,omitzero"`
	Platform    string    `json:"platform,omitempty"`
	Stopped     bool      `json:"stopped,omitempty"`
	Terminated  bool      `json:"terminated,omitempty"`
	Unsupported bool      `json:"unsupported,omitempty"`
	// Managed says that an agent speaks for the instance.
	Managed bool `json:"managed,omitempty"`
}

// ImageDetails describe a container image in a repository.
type ImageDetails struct {
	Repository   string    `json:"repository"`
	Registry     string    `json:"registry"`
	Hash         string    `json:"hash"`
	Tags         []string  `json:"tags,omitempty"`
	Author       string    `json:"author,omitempty"`
	Architecture string    `json:"architecture,omitempty"`
	Platform     string    `json:"platform,omitempty"`
	PushedAt     time.Time `json:"pushedAt,omitzero"`
	PulledAt     time.Time `json:"pulledAt,omitzero"`
	LastInUseAt  time.Time `json:"lastInUseAt,omitzero"`
	InUseCount   *int64    `json:"inUseCount,omitempty"`
}

// RepositoryDetails describe a repository of images.
type RepositoryDetails struct {
	Name string `json:"name"`
	// Frequency is how often its images are scanned, in ECR's words.
	Frequency string `json:"frequency,omitempty"`
}

// FunctionDetails describe a Lambda function.
type FunctionDetails struct {
	Name           string    `json:"name"`
	Runtime        string    `json:"runtime"`
	CodeSHA256     string    `json:"codeSha256"`
	Version        string    `json:"version"`
	RoleARN        string    `json:"roleArn"`
	Layers         []string  `json:"layers,omitempty"`
	VPC            string    `json:"vpc,omitempty"`
	Subnets        []string  `json:"subnets,omitempty"`
	SecurityGroups []string  `json:"securityGroups,omitempty"`
	PackageType    string    `json:"packageType,omitempty"`
	Architecture   string    `json:"architecture,omitempty"`
	LastModifiedAt time.Time `json:"lastModifiedAt,omitzero"`
	LastInvokedAt  time.Time `json:"lastInvokedAt,omitzero"`
	// RuntimeName is the runtime in Lambda's words.
	RuntimeName string `json:"runtimeName,omitempty"`
	// Supported says that functions of the runtime are scanned for packages.
	Supported bool `json:"supported,omitempty"`
}

// UsedAt is when the function was last updated or invoked.
func (f *FunctionDetails) UsedAt() time.Time {
	if f.LastInvokedAt.After(f.LastModifiedAt) {
		return f.LastInvokedAt
	}
	return f.LastModifiedAt
}

// CodeRepoDetails describe a source code repository.
type CodeRepoDetails struct {
	Project        string `json:"project"`
	IntegrationARN string `json:"integrationArn,omitempty"`
	// Provider is GITHUB or GITLAB_SELF_MANAGED; for muster's own operations
	// GIT or UPLOAD.
	Provider   string `json:"provider,omitempty"`
	Visibility string `json:"visibility,omitempty"`
	// CommitID is the last one that was scanned.
	CommitID string `json:"commitId,omitempty"`
	// Hindrance is why it is not scanned, as a reason of coverage; "" for
	// nothing.
	Hindrance string `json:"hindrance,omitempty"`
	// Periods and Triggers are when it is scanned, and for what.
	Periods  []CodePeriod  `json:"periods,omitempty"`
	Triggers []CodeTrigger `json:"triggers,omitempty"`
	// OnDemand is the last scan that somebody asked for.
	OnDemand *CodeScan `json:"onDemand,omitempty"`
}

// CodePeriod is a schedule by which a code repository is scanned.
type CodePeriod struct {
	// Expression is AWS's cron form.
	Expression string   `json:"expression"`
	Categories []string `json:"categories"`
}

// CodeTrigger is an event after which a code repository is scanned.
type CodeTrigger struct {
	Event      string   `json:"event"`
	Categories []string `json:"categories"`
}

// CodeScan is a scan of a code repository that somebody asked for.
type CodeScan struct {
	CommitID string    `json:"commitId,omitempty"`
	At       time.Time `json:"at"`
	// Status is SUCCESSFUL, FAILED or SKIPPED.
	Status string `json:"status"`
}

// Platform is Inspector's word for the operating system, "" where it does
// not apply.
func (r *Resource) Platform() string {
	switch {
	case r.Instance != nil:
		return r.Instance.Platform
	case r.Image != nil:
		return r.Image.Platform
	}
	return ""
}
