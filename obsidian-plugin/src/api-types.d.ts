/** Made by `npm run types` from the daemon's OpenAPI document; do not edit. */

export type paths = Record<string, never>;
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /**
         * @description The state of a vault, and of its daemon. Without a daemon, its part has defaults.
         *
         *     line: all of it in a few words. missing: what is to be done before it works, as one sentence.
         *     pid, started_at: the daemon's; null: none runs. vault: the folder's name. vault_missing: the
         *     folder is missing or empty. ready: the vault has been scanned. polls: why the vault is polled,
         *     in words, empty if file events work. retry_in: seconds until the endpoint is tried again.
         *     proposals: how many wait for a decision. notes: how many were scanned; to_do: how many need
         *     something that can be asked for. in_hand: the notes in progress. modes: by field, whether an
         *     answer is written at once (`write`) or waits for a decision (`propose`); folder_modes: the same
         *     by folder, which overrides a field's.
         *     settings_to_restart_for: changed settings that need a restart of the daemon, such as
         *     `server.port`. settings_fault: why nothing is asked or written, because a settings file is
         *     broken, with the file and the line; empty if none is.
         */
        Status: {
            version: string;
            /** @default  */
            line: string;
            /** @default null */
            missing: string | null;
            /** @default false */
            running: boolean;
            /** @default null */
            pid: number | null;
            /** @default null */
            started_at: string | null;
            vault: string;
            /** @default false */
            vault_missing: boolean;
            /** @default false */
            ready: boolean;
            paused: boolean;
            /** @default  */
            polls: string;
            endpoint: string;
            model: string;
            is_embedded: boolean;
            is_remote: boolean;
            /** @default false */
            is_model_missing: boolean;
            modes: {
                [key: string]: "write" | "propose";
            };
            folder_modes: {
                [key: string]: "write" | "propose";
            };
            /** @default null */
            fault: components["schemas"]["Fault"] | null;
            /** @default 0 */
            retry_in: number;
            background: components["schemas"]["BackgroundWork"];
            today: components["schemas"]["SpentToday"];
            proposals: number;
            /** @default 0 */
            notes: number;
            /** @default 0 */
            to_do: number;
            /** @default 0 */
            open_notes: number;
            /** @default [] */
            in_hand: string[];
            /** @default [] */
            runs: string[];
            newest_change: number;
            /** @default [] */
            settings_to_restart_for: string[];
            /** @default  */
            settings_fault: string;
        };
        /** @description Background work. enabled: the setting. off: why it is held, in words; empty if it is not. */
        BackgroundWork: {
            /** @default true */
            enabled: boolean;
            off: string;
            /** @default 0 */
            waiting: number;
            notes_today: number;
            notes_a_day: number;
            /**
             * @default {
             *       "notes": 0,
             *       "cost": ""
             *     }
             */
            backlog: components["schemas"]["BacklogState"];
        };
        /**
         * @description The backlog: notes that were there before, or arrived many at once, filled only with consent.
         *
         *     notes: how many wait for an answer. cost: where they would be sent, and what that may cost, in
         *     words; empty until it is known.
         */
        BacklogState: {
            /** @default 0 */
            notes: number;
            /** @default  */
            cost: string;
        };
        /** @description A fault of the model's endpoint. */
        Fault: {
            kind: string;
            reason: string;
            since: string;
            tries: number;
        };
        /**
         * @description Today's work: the notes enriched in this vault, and what was spent for all vaults.
         *
         *     dollars: null if the price is unknown. is_free: the model runs on this machine, and no setting
         *     gives it a price. tokens_a_day, dollars_a_day: the limits, if any.
         */
        SpentToday: {
            notes: number;
            input_tokens: number;
            output_tokens: number;
            dollars: number | null;
            is_free: boolean;
            tokens_a_day: number | null;
            dollars_a_day: number | null;
        };
        /**
         * @description The user's answer about the backlog. fill: fill its notes over time; else leave them alone.
         *
         *     notes: the number that the user was shown; if there are more now, the answer is refused.
         */
        BacklogAnswer: {
            fill: boolean;
            /** @default null */
            notes: number | null;
        };
        /** @description What changed after a number. */
        News: {
            /** @description To be sent as `after` with the next request. */
            number: number;
            /** @description Everything may have changed: read all again. */
            is_whole: boolean;
            /** @description The status, if it changed. */
            status: components["schemas"]["Status"] | null;
            /** @description The runs that changed. */
            runs: components["schemas"]["RunShape"][];
            /** @description The proposals that changed; null: any. */
            proposals: number[] | null;
            /** @description The changes that changed; null: any. */
            changes: number[] | null;
            /** @description What this client asked for came to, and what background work did. */
            notices: components["schemas"]["Notice"][];
            /** @description The open proposals of the notes that this client reported; null: as before. */
            open: components["schemas"]["Proposal"][] | null;
            /** @description The edits that wait for this client. */
            edits: components["schemas"]["WaitingEdits"][];
        };
        /** @description A button of a notice. change: what it sends to `POST /settings`. */
        Button: {
            label: string;
            change: components["schemas"]["SettingsChange"];
        };
        /**
         * @description What is left alone: folders, tags, globs of notes, and fields, each in some folders.
         *
         *     In a change, null leaves a list as it is; otherwise it is all that the list has then.
         */
        IgnoredNotes: {
            /** @default null */
            folders: string[] | null;
            /** @default null */
            tags: string[] | null;
            /** @default null */
            globs: string[] | null;
            /** @default null */
            fields: {
                [key: string]: string[];
            } | null;
        };
        /**
         * @description Something that was done, or failed. path: of the note, if it is about a single one.
         *
         *     change, run: what *Undo* takes back: a single change, or else all of a run. waits: how many
         *     proposals were left for the user.
         */
        Notice: {
            /**
             * @description Grows; it is a `number` of the feed.
             * @default 0
             */
            id: number;
            /** @description A sentence to show as it is. */
            text: string;
            /** @default null */
            path: string | null;
            /** @default null */
            run: string | null;
            /** @default null */
            change: number | null;
            /** @default 0 */
            waits: number;
            /** @default false */
            is_error: boolean;
            /** @default null */
            button: components["schemas"]["Button"] | null;
        };
        /**
         * @description What only a model on this machine may read: folders, tags, and properties with their values.
         *
         *     In a change, null leaves a list as it is; otherwise it is all that the list has then.
         */
        PrivateNotes: {
            /** @default null */
            folders: string[] | null;
            /** @default null */
            tags: string[] | null;
            /** @default null */
            properties: {
                [key: string]: string[];
            } | null;
        };
        /**
         * @description A proposal. text: a property's value or values, or the lines of a callout; null: there is
         *     none, or it was deleted. flags: why somebody should look at it. why: the need that it answers.
         *
         *     reason: why it was rejected, refused or closed. run: the run that asked for it. change: the
         *     change that wrote it. decided_by: for an
         *     open one, who has accepted it while an editor showed its note, which has to make the edits; else
         *     empty.
         */
        Proposal: {
            id: number;
            path: string;
            kind: string;
            heading: string | null;
            text: string | string[] | null;
            /** @enum {string} */
            state: "asked" | "open" | "accepted" | "refused" | "rejected" | "superseded" | "closed";
            flags: ("unsupported" | "new-value" | "replaces" | "program" | "undone")[];
            why: string;
            reason: string | null;
            remark: string;
            model: string;
            made_at: string;
            run: string;
            decided_by: string;
            decided_at: string | null;
            change: number | null;
        };
        /**
         * @description A run. kind: whether it fills notes, decides on proposals, or takes changes back. total: the
         *     number of its notes, or of the changes to take back. counts: results by status. fault: what
         *     ended it, and code: of that problem. left_alone: if no note needs anything, how many are left
         *     alone, by reason.
         */
        RunShape: {
            id: string;
            /**
             * @default fill
             * @enum {string}
             */
            kind: "fill" | "accept" | "refuse" | "undo";
            /** @enum {string} */
            state: "queued" | "running" | "done" | "cancelled" | "failed";
            total: number;
            counts: {
                [key: string]: number;
            };
            usage: components["schemas"]["Usage"];
            fault: string;
            /** @default  */
            code: string;
            made_at: string;
            left_alone: {
                [key: string]: number;
            };
        };
        /**
         * @description A change of settings; what is null stays as it is.
         *
         *     fields: whether each is filled, by its property, or `callout`. modes: by the same; folder_modes:
         *     by folder; null takes the folder's mode away. replace: also take something out of what is
         *     private or ignored; otherwise that is refused with 409, `takes-out`.
         */
        SettingsChange: {
            /** @default null */
            fields: {
                [key: string]: boolean;
            } | null;
            /** @default null */
            modes: {
                [key: string]: "write" | "propose";
            } | null;
            /** @default null */
            folder_modes: {
                [key: string]: ("write" | "propose") | null;
            } | null;
            /** @default null */
            private: components["schemas"]["PrivateNotes"] | null;
            /** @default null */
            ignored: components["schemas"]["IgnoredNotes"] | null;
            /** @default null */
            background: boolean | null;
            /** @default null */
            notes_a_day: number | null;
            /** @default false */
            replace: boolean;
        };
        /** @description Tokens read and written, as the endpoint counts them, and calls made. */
        Usage: {
            /** @default 0 */
            input_tokens: number;
            /** @default 0 */
            output_tokens: number;
            /** @default 0 */
            calls: number;
        };
        /**
         * @description Edits of an open note that a user asked for, and that wait for this client to make them.
         *
         *     Get the edits with `POST /outbox/{id}/edits`, and confirm them with `applied` there.
         */
        WaitingEdits: {
            id: number;
            path: string;
            /** @description The run that they belong to; null: see `change`. */
            run: string | null;
            /** @description The change that they undo; null: see `run`. */
            change: number | null;
        };
        /** @description It was done. */
        Done: Record<string, never>;
        /** @description All the notes that this client has open now. */
        PresenceReport: {
            /** @description A name that stays the same; `GET /feed` takes it, too. */
            client: string;
            open: string[];
        };
        /**
         * @description A page of proposals, newest first. next: `before` of the next page; null on the last.
         *
         *     total: the number on all pages.
         */
        ProposalPage: {
            proposals: components["schemas"]["Proposal"][];
            next: number | null;
            total: number;
        };
        /** @description The ids of all proposals that match a filter, newest first. */
        ProposalIds: {
            ids: number[];
        };
        /**
         * @description The effect of a proposal on its note as it is now: the parts of a word diff, each with its
         *     mark: kept (`=`), added (`+`), removed (`-`), or lines that are left out (`…`). title: the
         *     note's. new_values: those of its values that no note of the vault uses yet. start: where the
         *     first edit is in the note's text; it counts UTF-16 code units.
         */
        ProposalInPlace: {
            title: string;
            new_values: string[];
            start: number;
            parts: string[][];
        };
        /**
         * @description What should be different about a proposal, in your own words; empty: anything.
         *
         *     agreed: as in RunOptions. client: who is told of the result.
         */
        Wish: {
            /** @default  */
            wish: string;
            /** @default false */
            agreed: boolean;
            /** @default  */
            client: string;
        };
        /** @description The results for the notes whose proposals were decided on. */
        DecisionsMade: {
            notes: components["schemas"]["NoteResult"][];
        };
        /** @description The result for a proposal. state: null if there is none. reason: why it failed, or null. */
        Decided: {
            id: number;
            state: ("asked" | "open" | "accepted" | "refused" | "rejected" | "superseded" | "closed") | null;
            /** @default null */
            reason: string | null;
        };
        /** @description What was filled: a property's value or values, or the lines of a callout. */
        Filled: {
            kind: string;
            heading: string | null;
            reason: string;
            text: string | string[];
            remark: string;
        };
        /**
         * @description The result for a note. change: its id in the journal. left: what was not filled, and why.
         *
         *     counted: whether it is one of the run's notes; others were named, and skipped at the start.
         *     diff: if it was requested and the note changed, or would. proposals: the ids of the proposals:
         *     first those of `changes`, in that order, then those that wait. ends_run: whether the reason
         *     applies to every note. decided: the result for each proposal that was decided on. undone: for a
         *     change that was to be taken back.
         */
        NoteResult: {
            path: string;
            /** @enum {string} */
            status: "enriched" | "proposed" | "refused" | "undone" | "unchanged" | "skipped" | "failed";
            /** @default null */
            reason: string | null;
            changes: components["schemas"]["Filled"][];
            left: string[];
            usage: components["schemas"]["Usage"];
            /** @default null */
            change: number | null;
            /** @default false */
            ends_run: boolean;
            proposals: number[];
            /** @default null */
            diff: string | null;
            /** @default true */
            counted: boolean;
            decided: components["schemas"]["Decided"][];
            /** @default null */
            undone: components["schemas"]["Undone"] | null;
        };
        /**
         * @description The result of taking a change back.
         *
         *     path: of its note now; moved_from: its path before, if it was moved in the meantime. undone_by:
         *     the change that took it back; null: nothing was. left: the parts that stay because they were
         *     edited, moved or removed since; reason: why, in words. code: the error's, if nothing was taken
         *     back, as in the type of a problem. waits: the row of the outbox, if the note is open and its
         *     editor has to take the change back; a notice tells its outcome.
         */
        Undone: {
            change: number;
            path: string;
            undone_by: number | null;
            left: string[];
            reason: string | null;
            /** @default null */
            code: string | null;
            /** @default null */
            moved_from: string | null;
            /** @default null */
            waits: number | null;
        };
        /**
         * @description Proposals to accept, to refuse, and to reopen, which undoes the decision on them.
         *
         *     A proposal accepted for a note that is open in an editor waits for that editor to make the edits
         *     (see `POST /api/v1/presence`), or until the note is closed, even across restarts; `refuse` and
         *     `undo` take that back. reason: why they are refused. run: the run that the changes of notes
         *     belong to, so that a request sent in parts is taken back as one; null: a new one. client: who is
         *     told of the results in a notice.
         */
        Decisions: {
            accept?: components["schemas"]["Acceptance"][];
            refuse?: number[];
            undo?: number[];
            /** @default  */
            reason: string;
            /** @default null */
            run: string | null;
            /** @default  */
            client: string;
        };
        /**
         * @description A proposal to accept. text: the user's version of its text; null: unchanged.
         *
         *     state: as the client shows it. If it has changed, somebody else has decided on it, and it stays
         *     as it is. `refused` and `rejected` ones can be accepted, too.
         */
        Acceptance: {
            id: number;
            /** @default null */
            text: string | string[] | null;
            /**
             * @default open
             * @enum {string}
             */
            state: "open" | "refused" | "rejected";
        };
        /**
         * @description One decision on many proposals, in one run. reason: why they are refused. client: who is told
         *     of the result.
         */
        DecisionOnAll: {
            /** @enum {string} */
            decision: "accept" | "refuse" | "undo";
            ids: number[];
            /** @default  */
            reason: string;
            /** @default  */
            client: string;
        };
        /** @description A page of changes, newest first. next: `before` of the next page; null on the last. */
        ChangePage: {
            changes: components["schemas"]["Change"][];
            next: number | null;
        };
        /**
         * @description A change. needs: the needs it filled. note: a remark. undoes: the change that it took back.
         *
         *     left: the parts that remain of a change that was undone in part, and is still `done`.
         *     decided_by: `user`, who accepted it; `setting` if it was written at once; or the agent, as
         *     `agent:NAME`. diff: unified, if it was requested; also null once the note's texts were deleted.
         */
        Change: {
            id: number;
            run: string;
            path: string;
            kind: string;
            /** @enum {string} */
            state: "pending" | "offered" | "done" | "undone" | "abandoned";
            made_at: string;
            needs: string[];
            model: string;
            note: string;
            undoes: number | null;
            undone_by: number | null;
            left: string[];
            decided_by: string;
            /** @default null */
            diff: string | null;
        };
        /** @description The results for the first of the changes; send the others again: the answer took its time. */
        UndoneChanges: {
            undone: components["schemas"]["Undone"][];
        };
        /** @description Changes to take back, in this order. client: who is told of the result. */
        ChangesToUndo: {
            ids: number[];
            /** @default  */
            client: string;
        };
        /**
         * @description What to enrich over the API. id: the client's own for the run; sent again, it answers with
         *     that run and starts none. client: who is told of the result. priority: `interactive` for one
         *     note that somebody waits for.
         */
        RunRequest: {
            paths: string[];
            /** @default null */
            field: string | null;
            /** @default null */
            tag: string | null;
            /**
             * @default fill
             * @enum {string}
             */
            mode: "fill" | "replace" | "requests";
            /** @default false */
            all: boolean;
            /** @default false */
            retry: boolean;
            /** @default null */
            section: string | number | null;
            /** @default null */
            limit: number | null;
            /** @default false */
            dry_run: boolean;
            /** @default false */
            propose: boolean;
            /** @default false */
            diff: boolean;
            /** @default false */
            agreed: boolean;
            /** @default null */
            id: string | null;
            /** @default  */
            client: string;
            /**
             * @default request
             * @enum {string}
             */
            priority: "interactive" | "request";
        };
        /**
         * @description A run with its results after a number. next: the number to send next time.
         *
         *     Once the state is done, cancelled or failed, an answer without results is the last one.
         */
        RunProgress: {
            id: string;
            /**
             * @default fill
             * @enum {string}
             */
            kind: "fill" | "accept" | "refuse" | "undo";
            /** @enum {string} */
            state: "queued" | "running" | "done" | "cancelled" | "failed";
            total: number;
            counts: {
                [key: string]: number;
            };
            usage: components["schemas"]["Usage"];
            fault: string;
            /** @default  */
            code: string;
            made_at: string;
            left_alone: {
                [key: string]: number;
            };
            results: components["schemas"]["NoteResult"][];
            next: number;
        };
        /** @description Edits for the text that was sent. */
        EditsToMake: {
            offer: components["schemas"]["OfferShape"];
        };
        /**
         * @description Replace base[start:end] with text; offsets count UTF-16 code units.
         *
         *     place: what the edit belongs to: do not make it while the cursor is there. null: it makes a new
         *     property or callout, or is in other text. What is inserted at the start of a line belongs to
         *     what is above it.
         */
        EditShape: {
            start: number;
            end: number;
            text: string;
            place: components["schemas"]["PlaceShape"] | null;
        };
        /** @description Edits for an editor to make in the text it sent; the hashes are of the text in UTF-8. */
        OfferShape: {
            edits: components["schemas"]["EditShape"][];
            base_sha256: string;
            new_sha256: string;
        };
        /** @description The property or callout base[start:end]; name: the property's, or the callout's title. */
        PlaceShape: {
            /** @enum {string} */
            kind: "property" | "callout";
            name: string;
            start: number;
            end: number;
        };
        /** @description The text that the editor shows now. */
        TextShown: {
            text: string;
        };
        /** @description The id of a change in the journal. */
        ChangeMade: {
            change: number;
        };
        /**
         * @description An editor has made the edits of a row: the hashes of the text before and after.
         *
         *     moved_to: the note's path, if it has changed since. client: who is told of the change.
         */
        RowApplied: {
            base_sha256: string;
            new_sha256: string;
            /** @default null */
            moved_to: string | null;
            /** @default  */
            client: string;
        };
        /** @description The settings, as in SettingsChange. fields, modes: of all fields that have a prompt. */
        SettingsShape: {
            fields: {
                [key: string]: boolean;
            };
            modes: {
                [key: string]: "write" | "propose";
            };
            folder_modes: {
                [key: string]: "write" | "propose";
            };
            private: components["schemas"]["PrivateNotes"];
            ignored: components["schemas"]["IgnoredNotes"];
            background: boolean;
            notes_a_day: number;
        };
        /** @description A session of the page. */
        Session: {
            /** @description To be sent as the bearer token, for twelve hours. */
            token: string;
        };
        /** @description The one-time code in the address of `companion open`. */
        Code: {
            code: string;
        };
        /** @description An address of the page, to be used once in ten minutes. Keep it off command lines. */
        PageAddress: {
            address: string;
        };
        /**
         * @description A problem. type: `about:blank`, or a URN of ours; detail: in a user's words.
         *
         *     code: the kind, for programs: the last part of the URN, or the HTTP status in words, such as
         *     `not-found`. path: of the note that it is about; null: it is not about a note.
         */
        Problem: {
            /** @default about:blank */
            type: string;
            /** @default  */
            code: string;
            title: string;
            status: number;
            detail: string;
            /** @default null */
            path: string | null;
            /** @default [] */
            errors: components["schemas"]["ProblemPlace"][];
        };
        /** @description One fault of a request. where: `body`, `query` or `path`, and the names below it. */
        ProblemPlace: {
            where: string;
            what: string;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type Status = components['schemas']['Status'];
export type BackgroundWork = components['schemas']['BackgroundWork'];
export type BacklogState = components['schemas']['BacklogState'];
export type Fault = components['schemas']['Fault'];
export type SpentToday = components['schemas']['SpentToday'];
export type BacklogAnswer = components['schemas']['BacklogAnswer'];
export type News = components['schemas']['News'];
export type Button = components['schemas']['Button'];
export type IgnoredNotes = components['schemas']['IgnoredNotes'];
export type Notice = components['schemas']['Notice'];
export type PrivateNotes = components['schemas']['PrivateNotes'];
export type Proposal = components['schemas']['Proposal'];
export type RunShape = components['schemas']['RunShape'];
export type SettingsChange = components['schemas']['SettingsChange'];
export type Usage = components['schemas']['Usage'];
export type WaitingEdits = components['schemas']['WaitingEdits'];
export type Done = components['schemas']['Done'];
export type PresenceReport = components['schemas']['PresenceReport'];
export type ProposalPage = components['schemas']['ProposalPage'];
export type ProposalIds = components['schemas']['ProposalIds'];
export type ProposalInPlace = components['schemas']['ProposalInPlace'];
export type Wish = components['schemas']['Wish'];
export type DecisionsMade = components['schemas']['DecisionsMade'];
export type Decided = components['schemas']['Decided'];
export type Filled = components['schemas']['Filled'];
export type NoteResult = components['schemas']['NoteResult'];
export type Undone = components['schemas']['Undone'];
export type Decisions = components['schemas']['Decisions'];
export type Acceptance = components['schemas']['Acceptance'];
export type DecisionOnAll = components['schemas']['DecisionOnAll'];
export type ChangePage = components['schemas']['ChangePage'];
export type Change = components['schemas']['Change'];
export type UndoneChanges = components['schemas']['UndoneChanges'];
export type ChangesToUndo = components['schemas']['ChangesToUndo'];
export type RunRequest = components['schemas']['RunRequest'];
export type RunProgress = components['schemas']['RunProgress'];
export type EditsToMake = components['schemas']['EditsToMake'];
export type EditShape = components['schemas']['EditShape'];
export type OfferShape = components['schemas']['OfferShape'];
export type PlaceShape = components['schemas']['PlaceShape'];
export type TextShown = components['schemas']['TextShown'];
export type ChangeMade = components['schemas']['ChangeMade'];
export type RowApplied = components['schemas']['RowApplied'];
export type SettingsShape = components['schemas']['SettingsShape'];
export type Session = components['schemas']['Session'];
export type Code = components['schemas']['Code'];
export type PageAddress = components['schemas']['PageAddress'];
export type Problem = components['schemas']['Problem'];
export type ProblemPlace = components['schemas']['ProblemPlace'];
export type $defs = Record<string, never>;
export type operations = Record<string, never>;
