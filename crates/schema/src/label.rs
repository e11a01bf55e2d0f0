//! The label names of the rows. They are checked when the program is compiled.

use exposition::LabelName;

/// The label names of one family.
pub(crate) type Names = &'static [LabelName<'static>];

/// What tells several Locusts apart.
pub(crate) const TARGET: LabelName<'static> = LabelName::from_static("target");
/// What the web-UI collector puts on all its series.
pub(crate) const SERVICE: LabelName<'static> = LabelName::from_static("service");

const CLASS: LabelName<'static> = LabelName::from_static("user_class");
const EXCEPTION_WORD: LabelName<'static> = LabelName::from_static("exception");
const ERROR_TEXT: LabelName<'static> = LabelName::from_static("error");
const METHOD: LabelName<'static> = LabelName::from_static("method");
const NAME: LabelName<'static> = LabelName::from_static("name");
const PATH: LabelName<'static> = LabelName::from_static("path");
const REASON_WORD: LabelName<'static> = LabelName::from_static("reason");
const SINK_NAME: LabelName<'static> = LabelName::from_static("sink");
const STATE_WORD: LabelName<'static> = LabelName::from_static("state");
const STATUS: LabelName<'static> = LabelName::from_static("status");
const VERSION: LabelName<'static> = LabelName::from_static("version");

pub(crate) const BUILD: Names = &[
    VERSION,
    LabelName::from_static("revision"),
    LabelName::from_static("rustc"),
    LabelName::from_static("os"),
    LabelName::from_static("arch"),
];
pub(crate) const COLLECTOR: Names = &[LabelName::from_static("collector")];
pub(crate) const ENDPOINT: Names = &[METHOD, NAME];
pub(crate) const ENDPOINT_PATH: Names = &[PATH, METHOD];
pub(crate) const ENDPOINT_STATUS: Names = &[METHOD, NAME, STATUS];
pub(crate) const ERROR: Names = &[METHOD, NAME, ERROR_TEXT];
pub(crate) const ERROR_NAME_AND_PATH: Names = &[METHOD, NAME, ERROR_TEXT, PATH];
pub(crate) const ERROR_PATH: Names = &[PATH, METHOD, ERROR_TEXT];
pub(crate) const EXCEPTION: Names = &[EXCEPTION_WORD];
pub(crate) const INFO: Names = &[
    VERSION,
    LabelName::from_static("host"),
    LabelName::from_static("run_id"),
    LabelName::from_static("testplan"),
];
pub(crate) const REASON: Names = &[REASON_WORD];
pub(crate) const RESPONSE: Names = &[METHOD, NAME, STATUS, EXCEPTION_WORD];
pub(crate) const SINK: Names = &[SINK_NAME];
pub(crate) const SINK_REASON: Names = &[SINK_NAME, REASON_WORD];
pub(crate) const STATE: Names = &[STATE_WORD];
pub(crate) const TASK: Names = &[CLASS, LabelName::from_static("task")];
pub(crate) const USER_CLASS: Names = &[CLASS];
pub(crate) const WORKER: Names = &[LabelName::from_static("worker_id")];
pub(crate) const WORKER_DETAIL: Names = &[LabelName::from_static("id"), STATE_WORD];
