//! The order in which a job's marks can come. A job's commands run as root beside its shell, so a
//! mark is a claim; one that the program can not have made by then ends the job.

use slipway_pipelines::plan::{DeployPlan, JobPlan, Phase, Provider, ScriptVerify};

use super::{Mark, Step};

/// A mark that its program does not make at this place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OutOfTurn;

/// Does the course go over a step, or past it?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Must,
    May,
    MustNot,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    phase: Phase,
    deploy: Option<usize>,
    /// Its failure stops the job.
    stops: bool,
}

/// How far a job has come.
#[derive(Clone, Debug)]
pub(crate) struct Course {
    places: Vec<Place>,
    deploys: usize,
    images: bool,
    /// The first step that has not begun.
    next: usize,
    running: Option<usize>,
    script_failed: bool,
    /// Whether the script passed, once the shell has said it.
    passed: Option<bool>,
    stopped: bool,
    built: bool,
    /// The built-in actions around the phases, once they were asked for.
    took: bool,
    gathered: bool,
    left: bool,
    /// After which phase a snapshot is kept, and how far that is.
    snapshot: Option<Phase>,
    stated: bool,
    kept: bool,
    committed: bool,
    /// The first deploy that was neither asked for nor passed over.
    next_deploy: usize,
    /// The deploy that was asked for last.
    asked: Option<usize>,
    /// The script deploy that may run now.
    let_in: Option<usize>,
    /// Of each deploy: is its address asked when the script passed?
    verified: Vec<bool>,
    /// The deploy whose address is to be asked now; nothing else can come.
    to_verify: Option<usize>,
}

impl Course {
    /// Of the program with these steps.
    pub(crate) fn new(steps: &[Step], plan: &JobPlan) -> Self {
        let place = |step: &Step| {
            let forgiven = step.deploy.and_then(|index| plan.deploys.get(index));
            let forgiven = forgiven.is_some_and(|deploy| deploy.allow_failure);
            let stops = match step.phase {
                Phase::BeforeInstall
                | Phase::Install
                | Phase::BeforeScript
                | Phase::BeforeDeploy => true,
                Phase::Deploy => !forgiven,
                Phase::Prepare
                | Phase::Script
                | Phase::Keep
                | Phase::BeforeCache
                | Phase::Images
                | Phase::AfterSuccess
                | Phase::AfterFailure
                | Phase::AfterDeploy
                | Phase::AfterScript => false,
            };
            Place { phase: step.phase, deploy: step.deploy, stops }
        };
        let snapshot = plan.carry.snapshot.as_ref().map(|snapshot| snapshot.after);
        Self {
            places: steps.iter().map(place).collect(),
            deploys: plan.deploys.len(),
            images: !plan.images.is_empty(),
            next: 0,
            running: None,
            script_failed: false,
            passed: None,
            stopped: false,
            built: false,
            took: false,
            gathered: false,
            left: false,
            snapshot,
            stated: false,
            kept: false,
            committed: false,
            next_deploy: 0,
            asked: None,
            let_in: None,
            verified: plan.deploys.iter().map(is_verified_by_address).collect(),
            to_verify: None,
        }
    }

    /// The step that runs now.
    pub(crate) fn running(&self) -> Option<usize> {
        self.running
    }

    /// The worker has let this script deploy in.
    pub(crate) fn let_in(&mut self, deploy: usize) {
        self.let_in = Some(deploy);
    }

    /// The worker has answered that the job ends here.
    pub(crate) fn stop(&mut self) {
        self.stopped = true;
    }

    /// Goes on by this mark.
    ///
    /// # Errors
    /// The program does not make it here.
    pub(crate) fn take(&mut self, mark: &Mark) -> Result<(), OutOfTurn> {
        let fits = match *mark {
            Mark::End(place, code) => return self.end(place, code),
            _ if self.running.is_some() || (self.stopped && !matches!(mark, Mark::Done { .. })) => {
                false
            }
            Mark::Verify(index) => self.to_verify.take_if(|awaited| *awaited == index).is_some(),
            _ if self.to_verify.is_some() && !self.stopped => false,
            Mark::Env(_) => self.next == 0,
            Mark::Start(place) => self.start(place),
            Mark::Result(passed) => self.result(passed),
            Mark::Take => self.next == 0 && !std::mem::replace(&mut self.took, true),
            Mark::Gather => {
                let to = self.first(|step| !is_before_the_result(step.phase));
                self.settled_up_to(to) && !std::mem::replace(&mut self.gathered, true)
            }
            Mark::Leave => {
                let to = self.after_the_cache();
                self.settled_up_to(to) && !std::mem::replace(&mut self.left, true)
            }
            Mark::State => self.is_at_the_snapshot() && !std::mem::replace(&mut self.stated, true),
            Mark::Snapshot => {
                self.stated && self.is_at_the_snapshot() && !std::mem::replace(&mut self.kept, true)
            }
            Mark::Commit => {
                let to = self.after_the_cache();
                self.passed == Some(true)
                    && (self.built || !self.images)
                    && self.settled_up_to(to)
                    && !std::mem::replace(&mut self.committed, true)
            }
            Mark::Images => self.build(),
            Mark::Deploy(index) => self.ask(index),
            Mark::Skip(index) => self.skip(index),
            Mark::Done { .. } => self.stopped || self.is_at_the_end(),
        };
        if fits { Ok(()) } else { Err(OutOfTurn) }
    }

    fn end(&mut self, place: usize, code: i32) -> Result<(), OutOfTurn> {
        if self.running.take_if(|running| *running == place).is_none() {
            return Err(OutOfTurn);
        }
        let step = self.places[place];
        self.script_failed |= step.phase == Phase::Script && code != 0;
        self.stopped |= step.stops && code != 0;
        if step.phase == Phase::Deploy {
            let next = self.places.get(place + 1);
            // The command that verifies the script.
            let goes_on = next.is_some_and(|next| {
                next.phase == Phase::Deploy && next.deploy == step.deploy && code == 0
            });
            self.let_in = self.let_in.filter(|_| goes_on);
            let asks = |index: &usize| code == 0 && self.verified.get(*index) == Some(&true);
            self.to_verify = step.deploy.filter(asks);
        }
        Ok(())
    }

    fn start(&mut self, place: usize) -> bool {
        let Some(step) = self.places.get(place) else { return false };
        if place < self.next || !self.may_pass(place) || self.way(*step) == Way::MustNot {
            return false;
        }
        let fits = match (step.phase, step.deploy) {
            (Phase::BeforeDeploy, Some(index)) => index == self.next_deploy,
            (Phase::Deploy, Some(index)) => self.let_in == Some(index),
            (Phase::AfterDeploy, Some(index)) => self.asked == Some(index),
            (Phase::AfterScript | Phase::AfterFailure, _) => self.has_deployed(),
            _ => true,
        };
        // Images are built before what follows the script's success.
        let may_be_missing = self.passed != Some(true) || step.phase == Phase::BeforeCache;
        let built = self.built || !self.images || may_be_missing;
        if fits && built {
            self.next = place + 1;
            self.running = Some(place);
        }
        fits && built
    }

    fn result(&mut self, passed: bool) -> bool {
        let end = self.first(|step| !is_before_the_result(step.phase));
        if self.passed.is_some() || self.next < end || (passed && self.script_failed) {
            return false;
        }
        self.passed = Some(passed);
        true
    }

    fn build(&mut self) -> bool {
        let to = self.after_the_cache();
        let fits =
            self.images && !self.built && self.passed == Some(true) && self.settled_up_to(to);
        self.built |= fits;
        fits
    }

    /// All that runs before the snapshot has run, and no more.
    fn is_at_the_snapshot(&self) -> bool {
        let to = |after| self.first(|step| step.phase > after);
        self.passed.is_none() && self.snapshot.is_some_and(|after| self.next == to(after))
    }

    /// The script's result is said, and all that runs before this place has run, and no more.
    fn settled_up_to(&self, place: usize) -> bool {
        self.passed.is_some() && self.next <= place && self.may_pass(place)
    }

    /// The place of the first step that follows the cache.
    fn after_the_cache(&self) -> usize {
        self.first(|step| !is_before_the_result(step.phase) && step.phase != Phase::BeforeCache)
    }

    /// The shell asks for this deploy, after what runs before it.
    fn ask(&mut self, index: usize) -> bool {
        let to = self.first(|step| !is_before_asking(step, index));
        let between = self.places.get(self.next..to).unwrap_or_default();
        let prepared = between.iter().all(|step| step.deploy != Some(index));
        let fits = prepared && self.turn_to(index, to);
        self.asked = if fits { Some(index) } else { self.asked };
        fits
    }

    /// The shell passes this deploy over, and nothing of it has run.
    fn skip(&mut self, index: usize) -> bool {
        let to = self.first(|step| step.deploy >= Some(index) || is_after_deploys(step.phase));
        self.turn_to(index, to)
    }

    fn turn_to(&mut self, index: usize, to: usize) -> bool {
        let fits = self.passed == Some(true)
            && (self.built || !self.images)
            && index == self.next_deploy
            && index < self.deploys
            && self.next <= to
            && self.may_pass(to);
        if fits {
            self.next = to;
            self.next_deploy += 1;
            self.let_in = None;
        }
        fits
    }

    fn is_at_the_end(&self) -> bool {
        self.passed.is_some() && self.may_pass(self.places.len()) && self.has_deployed()
    }

    fn has_deployed(&self) -> bool {
        self.passed != Some(true) || self.next_deploy == self.deploys
    }

    /// Is there nothing that has to run before the step at this place?
    fn may_pass(&self, place: usize) -> bool {
        let between = self.places.get(self.next..place).unwrap_or_default();
        between.iter().all(|step| self.way(*step) != Way::Must)
    }

    fn way(&self, step: Place) -> Way {
        match (step.phase, self.passed) {
            (phase, None) if is_before_the_result(phase) => Way::Must,
            (_, None) => Way::MustNot,
            (phase, Some(_)) if is_before_the_result(phase) => Way::MustNot,
            (Phase::AfterSuccess, Some(true)) | (Phase::AfterFailure, Some(false)) => Way::Must,
            (Phase::BeforeDeploy | Phase::Deploy | Phase::AfterDeploy, Some(true)) => Way::May,
            (Phase::AfterScript | Phase::BeforeCache, Some(_)) => Way::Must,
            _ => Way::MustNot,
        }
    }

    /// The place of the first step of this kind; places are in the program's order.
    fn first(&self, kind: impl Fn(&Place) -> bool) -> usize {
        self.places.iter().position(kind).unwrap_or(self.places.len())
    }
}

fn is_verified_by_address(deploy: &DeployPlan) -> bool {
    matches!(deploy.provider, Provider::Script { verify: Some(ScriptVerify::Url(_)), .. })
}

fn is_before_the_result(phase: Phase) -> bool {
    match phase {
        Phase::BeforeInstall | Phase::Install | Phase::BeforeScript | Phase::Script => true,
        Phase::Prepare
        | Phase::Keep
        | Phase::BeforeCache
        | Phase::Images
        | Phase::AfterSuccess
        | Phase::AfterFailure
        | Phase::BeforeDeploy
        | Phase::Deploy
        | Phase::AfterDeploy
        | Phase::AfterScript => false,
    }
}

fn is_after_deploys(phase: Phase) -> bool {
    matches!(phase, Phase::AfterFailure | Phase::AfterScript)
}

/// Does the step stand before the question whether this deploy may run?
fn is_before_asking(step: &Place, index: usize) -> bool {
    let of_it = step.deploy == Some(index) && step.phase == Phase::BeforeDeploy;
    let of_another = step.deploy.is_some_and(|other| other < index);
    let before_all = is_before_the_result(step.phase)
        || matches!(step.phase, Phase::BeforeCache | Phase::AfterSuccess);
    of_it || of_another || before_all
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEPS: [(Phase, Option<usize>); 10] = [
        (Phase::Install, None),
        (Phase::Script, None),
        (Phase::Script, None),
        (Phase::AfterSuccess, None),
        (Phase::BeforeDeploy, Some(0)),
        (Phase::Deploy, Some(0)),
        (Phase::AfterDeploy, Some(0)),
        (Phase::BeforeDeploy, Some(1)),
        (Phase::AfterFailure, None),
        (Phase::AfterScript, None),
    ];
    const DONE: Mark = Mark::Done { traps: false };

    fn course(images: bool) -> Course {
        let places = STEPS.map(|(phase, deploy)| Place {
            phase,
            deploy,
            stops: matches!(phase, Phase::Install | Phase::BeforeDeploy | Phase::Deploy),
        });
        Course {
            places: places.into(),
            deploys: 2,
            images,
            next: 0,
            running: None,
            script_failed: false,
            passed: None,
            stopped: false,
            built: false,
            took: false,
            gathered: false,
            left: false,
            snapshot: Some(Phase::Install),
            stated: false,
            kept: false,
            committed: false,
            next_deploy: 0,
            asked: None,
            let_in: None,
            verified: vec![false, false],
            to_verify: None,
        }
    }

    fn ran(place: usize, code: i32) -> [Mark; 2] {
        [Mark::Start(place), Mark::End(place, code)]
    }

    /// Steps with code 0 by their places, and other marks between them.
    fn goes(course: &mut Course, marks: impl IntoIterator<Item = Mark>) -> Result<(), Mark> {
        marks.into_iter().try_for_each(|mark| course.take(&mark).map_err(|OutOfTurn| mark))
    }

    fn to_success() -> Course {
        let mut course = course(false);
        let marks = [ran(0, 0), ran(1, 0), ran(2, 0)].into_iter().flatten();
        goes(&mut course, marks.chain([Mark::Result(true)])).expect("in turn");
        course
    }

    #[test]
    fn a_job_that_passes_and_deploys_goes_to_its_end() {
        let mut course = to_success();
        goes(&mut course, ran(3, 0).into_iter().chain(ran(4, 0)).chain([Mark::Deploy(0)]))
            .expect("in turn");
        assert_eq!(goes(&mut course.clone(), ran(5, 0)), Err(Mark::Start(5)), "not let in");
        course.let_in(0);
        let rest = ran(5, 0).into_iter().chain(ran(6, 1)).chain([Mark::Skip(1)]).chain(ran(9, 0));
        goes(&mut course, rest.chain([DONE])).expect("in turn");
    }

    #[test]
    fn a_job_that_fails_goes_by_the_other_way() {
        let mut failed = course(false);
        let marks = [ran(0, 0), ran(1, 0), ran(2, 3)].into_iter().flatten();
        goes(&mut failed, marks).expect("in turn");
        assert_eq!(goes(&mut failed.clone(), [Mark::Result(true)]), Err(Mark::Result(true)));
        goes(&mut failed, [Mark::Result(false)]).expect("in turn");
        for mark in [Mark::Start(3), Mark::Deploy(0), Mark::Skip(0), Mark::Images, DONE] {
            assert_eq!(goes(&mut failed.clone(), [mark.clone()]), Err(mark));
        }
        let rest = ran(8, 0).into_iter().chain(ran(9, 0)).chain([DONE]);
        goes(&mut failed, rest).expect("in turn");
        // The job may say itself that it failed.
        let mut own = course(false);
        let marks = [ran(0, 0), ran(1, 0), ran(2, 0)].into_iter().flatten();
        goes(&mut own, marks.chain([Mark::Result(false)]).chain(ran(8, 0))).expect("in turn");
        let mut stopped = course(false);
        goes(&mut stopped, ran(0, 1).into_iter().chain([DONE])).expect("in turn");
    }

    #[test]
    fn nothing_is_passed_over_and_nothing_comes_twice() {
        let fresh = course(true);
        for mark in [Mark::Start(1), Mark::End(0, 0), Mark::Result(true), Mark::Images, DONE] {
            assert_eq!(goes(&mut fresh.clone(), [mark.clone()]), Err(mark));
        }
        let mut twice = course(false);
        goes(&mut twice, ran(0, 0)).expect("in turn");
        assert_eq!(goes(&mut twice.clone(), ran(0, 0)), Err(Mark::Start(0)));
        assert_eq!(goes(&mut twice, [Mark::Start(1), DONE]), Err(DONE), "a step runs");
        for mark in [Mark::Deploy(0), Mark::Skip(1), Mark::Start(9), Mark::Start(99), DONE] {
            assert_eq!(goes(&mut to_success(), [mark.clone()]), Err(mark));
        }
        let mut deployed = to_success();
        goes(&mut deployed, ran(3, 0)).expect("in turn");
        assert_eq!(goes(&mut deployed.clone(), [Mark::Deploy(0)]), Err(Mark::Deploy(0)));
        goes(&mut deployed, ran(4, 0).into_iter().chain([Mark::Deploy(0)])).expect("in turn");
        assert_eq!(goes(&mut deployed.clone(), [Mark::Deploy(0)]), Err(Mark::Deploy(0)));
        assert_eq!(goes(&mut deployed, [Mark::Start(9)]), Err(Mark::Start(9)), "a deploy is left");
    }

    #[test]
    fn an_address_that_is_to_be_asked_can_not_be_passed_over() {
        let mut course = to_success();
        course.verified[0] = true;
        goes(&mut course, ran(3, 0).into_iter().chain(ran(4, 0)).chain([Mark::Deploy(0)]))
            .expect("in turn");
        assert_eq!(goes(&mut course.clone(), [Mark::Verify(0)]), Err(Mark::Verify(0)), "not run");
        course.let_in(0);
        let mut failed = course.clone();
        goes(&mut failed, ran(5, 1).into_iter().chain([DONE])).expect("in turn");
        goes(&mut course, ran(5, 0)).expect("in turn");
        for mark in [Mark::Start(6), Mark::Skip(1), Mark::Verify(1), DONE] {
            assert_eq!(goes(&mut course.clone(), [mark.clone()]), Err(mark));
        }
        let rest = [Mark::Verify(0)].into_iter().chain(ran(6, 1)).chain([Mark::Skip(1)]);
        goes(&mut course, rest.chain(ran(9, 0)).chain([DONE])).expect("in turn");
    }

    #[test]
    fn a_snapshot_is_kept_once_and_where_the_file_says() {
        let at_once = course(false);
        assert_eq!(goes(&mut at_once.clone(), [Mark::State]), Err(Mark::State));
        let mut installed = at_once;
        goes(&mut installed, ran(0, 0)).expect("in turn");
        assert_eq!(goes(&mut installed.clone(), [Mark::Snapshot]), Err(Mark::Snapshot));
        goes(&mut installed, [Mark::State, Mark::Snapshot]).expect("in turn");
        assert_eq!(goes(&mut installed.clone(), [Mark::Snapshot]), Err(Mark::Snapshot));
        goes(&mut installed, ran(1, 0)).expect("in turn");
        assert_eq!(goes(&mut installed, [Mark::Commit]), Err(Mark::Commit), "not tested yet");
        goes(&mut to_success(), [Mark::Gather, Mark::Leave, Mark::Commit]).expect("in turn");
    }

    #[test]
    fn images_are_built_once_and_before_what_needs_them() {
        let mut course = course(true);
        let marks = [ran(0, 0), ran(1, 0), ran(2, 0)].into_iter().flatten();
        goes(&mut course, marks.chain([Mark::Result(true)])).expect("in turn");
        assert_eq!(goes(&mut course.clone(), [Mark::Start(3)]), Err(Mark::Start(3)));
        goes(&mut course, [Mark::Images]).expect("in turn");
        assert_eq!(goes(&mut course.clone(), [Mark::Images]), Err(Mark::Images));
        goes(&mut course, ran(3, 1)).expect("in turn");
    }
}
