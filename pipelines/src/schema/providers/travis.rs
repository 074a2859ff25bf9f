//! Travis' providers that are not here. A step with one of them fails, and says how to do it by
//! `provider: script`; the file is fine.

use super::super::Key;
use super::super::shape::map;
use super::a_to_c::*;
use super::d_to_l::*;
use super::m_to_z::*;
use super::{COMMON, Provider, RECORD};

const fn travis(
    name: &'static str,
    tables: &'static [&'static [Key]],
    meaning: &'static str,
    doc: &'static str,
) -> Provider {
    let map = map(tables).prefix_text("provider");
    Provider { name, aliases: &[], map, works: false, meaning, doc }
}

macro_rules! page {
    ($page:literal) => {
        concat!("https://docs.travis-ci.com/user/deployment-v2/providers/", $page, "/")
    };
}

pub(super) const PROVIDERS: &[Provider] = &[
    travis("anynines", &[ANYNINES, COMMON, RECORD], "Anynines", page!("anynines")),
    travis(
        "azure_web_apps",
        &[AZURE_WEB_APPS, COMMON, RECORD],
        "Azure App Service",
        page!("azure-web-apps"),
    ),
    travis("bintray", &[BINTRAY, COMMON, RECORD], "Bintray", page!("bintray")),
    travis(
        "bluemixcloudfoundry",
        &[BLUEMIXCLOUDFOUNDRY, COMMON, RECORD],
        "IBM Bluemix",
        page!("bluemixcloudfoundry"),
    ),
    travis("boxfuse", &[BOXFUSE, COMMON, RECORD], "Boxfuse", page!("boxfuse")),
    travis("cargo", &[CARGO, COMMON, RECORD], "crates.io", page!("cargo")),
    travis(
        "chef_supermarket",
        &[CHEF_SUPERMARKET, COMMON, RECORD],
        "Chef Supermarket",
        page!("chef-supermarket"),
    ),
    travis("cloud66", &[CLOUD66, COMMON, RECORD], "Cloud 66", page!("cloud66")),
    travis(
        "cloudfiles",
        &[CLOUDFILES, COMMON, RECORD],
        "Rackspace Cloud Files",
        page!("cloudfiles"),
    ),
    travis(
        "cloudformation",
        &[CLOUDFORMATION, COMMON, RECORD],
        "AWS CloudFormation",
        page!("cloudformation"),
    ),
    travis("cloudfoundry", &[CLOUDFOUNDRY, COMMON, RECORD], "Cloud Foundry", page!("cloudfoundry")),
    travis("codedeploy", &[CODEDEPLOY, COMMON, RECORD], "AWS CodeDeploy", page!("codedeploy")),
    travis("convox", &[CONVOX, COMMON, RECORD], "Convox", page!("convox")),
    travis("datica", &[DATICA, COMMON, RECORD], "Datica", page!("datica")),
    travis("ecr", &[ECR, COMMON, RECORD], "Amazon's container registry", page!("ecr")),
    travis("engineyard", &[ENGINEYARD, COMMON], "Engine Yard", page!("engineyard")),
    travis("firebase", &[FIREBASE, COMMON, RECORD], "Firebase", page!("firebase")),
    travis("flynn", &[FLYNN, COMMON, RECORD], "Flynn", page!("flynn")),
    travis("gae", &[GAE, COMMON, RECORD], "Google App Engine", page!("gae")),
    travis("gcs", &[GCS, COMMON, RECORD], "Google Cloud Storage", page!("gcs")),
    travis("git_push", &[GIT_PUSH, COMMON, RECORD], "another git branch", page!("git-push")),
    travis("gleis", &[GLEIS, COMMON, RECORD], "Gleis", page!("gleis")),
    travis("hackage", &[HACKAGE, COMMON, RECORD], "Hackage", page!("hackage")),
    travis("hephy", &[HEPHY, COMMON, RECORD], "Hephy", page!("hephy")),
    travis("heroku", &[HEROKU, COMMON, RECORD], "Heroku", page!("heroku")),
    travis("lambda", &[LAMBDA, COMMON, RECORD], "AWS Lambda", page!("lambda")),
    travis("launchpad", &[LAUNCHPAD, COMMON, RECORD], "Launchpad", page!("launchpad")),
    travis("netlify", &[NETLIFY, COMMON, RECORD], "Netlify", page!("netlify")),
    travis("npm", &[NPM, COMMON, RECORD], "npm", page!("npm")),
    travis("nuget", &[NUGET, COMMON, RECORD], "NuGet", page!("nuget")),
    travis("openshift", &[OPENSHIFT, COMMON, RECORD], "OpenShift", page!("openshift")),
    travis("opsworks", &[OPSWORKS, COMMON, RECORD], "AWS OpsWorks", page!("opsworks")),
    travis("packagecloud", &[PACKAGECLOUD, COMMON, RECORD], "packagecloud", page!("packagecloud")),
    travis("pages", &[PAGES, COMMON, RECORD], "GitHub Pages", page!("pages")),
    travis("puppetforge", &[PUPPETFORGE, COMMON, RECORD], "Puppet Forge", page!("puppetforge")),
    travis("pypi", &[PYPI, COMMON, RECORD], "PyPI", page!("pypi")),
    travis("releases", &[RELEASES, COMMON, RECORD], "GitHub Releases", page!("releases")),
    travis("rubygems", &[RUBYGEMS, COMMON, RECORD], "RubyGems", page!("rubygems")),
    travis("scalingo", &[SCALINGO, COMMON, RECORD], "Scalingo", page!("scalingo")),
    travis("snap", &[SNAP, COMMON, RECORD], "the Snap Store", page!("snap")),
    travis("surge", &[SURGE, COMMON, RECORD], "Surge", page!("surge")),
    travis("testfairy", &[TESTFAIRY, COMMON, RECORD], "TestFairy", page!("testfairy")),
    travis("transifex", &[TRANSIFEX, COMMON, RECORD], "Transifex", page!("transifex")),
];
