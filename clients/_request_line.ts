import type { Ring2Answer, Ring2Request, Welcome } from "../protocol/mod.ts";
import { connectionError, isTransient, noneAnswered } from "./_failures.ts";
import { type KeepOptions, LASTING_MS } from "./_keep_connected.ts";
import { loginOf, type Question } from "./_questions.ts";
import { answerInTime } from "./_within.ts";
import { SecureConnection } from "./connection.ts";
import { ClientError } from "./errors.ts";
import type { MasterAddress } from "./master_address.ts";

type Connection = SecureConnection<Ring2Request, Ring2Answer>;

/** What a line of requests takes. */
export interface RequestContext
  extends Omit<KeepOptions<Ring2Request, Ring2Answer>, "signal" | "session" | "onRefused"> {
  /** Told when a user who was logged in can be so no longer. */
  readonly onLoginLost: (error: ClientError) => void;
}

/**
 * Requests one after the other over one connection, so that whatever comes is part of the answer
 * to the only one in hand. The connection is opened when it is needed and kept; when a master does
 * not answer, each of the others is asked, once.
 */
export class RequestLine {
  readonly #context: RequestContext;
  readonly #over = new AbortController();
  #connection: Connection | undefined;
  #openedAt = 0;
  #turn: Promise<unknown> = Promise.resolve();
  #user: string | undefined;
  #presence: Promise<void> | undefined;

  constructor(context: RequestContext) {
    this.#context = context;
  }

  /** Asks once all who came before have their answers. */
  ask<Answer>(question: Question<Answer>): Promise<Answer> {
    const answer = this.#turn.then(() => this.#ask(question));
    // The asker is told of a failure; whoever comes next only waits for the end.
    this.#turn = answer.catch(() => {});
    return answer;
  }

  /** Makes a user present, and keeps them so over lost connections. */
  async login(user: string): Promise<Welcome> {
    const welcome = await this.ask(loginOf(user));
    this.#user = user;
    this.#presence ??= this.#stayPresent();
    return welcome;
  }

  /** Ends everything; who still waits for an answer is told so. */
  async close(): Promise<void> {
    if (this.#over.signal.aborted) return await this.#ended();
    this.#over.abort();
    await this.#ended();
    this.#context.onState({ type: "closed" });
  }

  async #ended(): Promise<void> {
    await this.#connection?.close();
    await this.#turn;
    await this.#presence;
  }

  async #ask<Answer>(question: Question<Answer>): Promise<Answer> {
    const { rotation, onState } = this.#context;
    const errors: ClientError[] = [];
    let lost: ClientError | undefined;
    if (this.#connection?.isOpen) {
      const connection = this.#connection;
      try {
        return await this.#askOn(connection, question);
      } catch (error) {
        lost = await this.#failed(connection.master, error);
      }
    }
    let before: MasterAddress | undefined;
    for (const master of rotation.available()) {
      const error = errors.at(-1);
      if (error && before) {
        onState({ type: "waiting", seconds: 0, reason: error.message, error, master: before });
      }
      before = master;
      try {
        return await this.#askOn(await this.#connect(master, question), question);
      } catch (error) {
        errors.push(await this.#failed(master, error));
      }
    }
    throw noneAnswered(errors.length > 0 ? errors : [lost ?? this.#held()]);
  }

  /** Gives a master up; throws on when another one would say the same. */
  async #failed(master: MasterAddress, reason: unknown): Promise<ClientError> {
    if (this.#over.signal.aborted) {
      throw new ClientError("unavailable", "this client was closed", { cause: reason });
    }
    const error = connectionError(master, reason);
    if (!isTransient(error)) throw error;
    const { rotation } = this.#context;
    rotation.failed(master);
    if (error.retryAfter !== undefined) rotation.hold(master, error.retryAfter * 1000);
    await this.#connection?.close();
    this.#connection = undefined;
    return error;
  }

  #held(): ClientError {
    const retryAfter = Math.ceil(this.#context.rotation.heldForMs() / 1000);
    return new ClientError(
      "refused",
      `every master has asked to be left alone: try again in ${retryAfter} s`,
      { code: "busy", retryAfter },
    );
  }

  async #askOn<Answer>(connection: Connection, question: Question<Answer>): Promise<Answer> {
    const take = question.collect(connection.master);
    const answer = async (): Promise<Answer> => {
      await connection.send(question.request);
      for await (const message of connection.messages) {
        const whole = take(message);
        if (whole) return whole.value;
      }
      throw new ClientError("unavailable", "this client was closed");
    };
    return await answerInTime(connection, this.#context.timing, answer());
  }

  async #connect(master: MasterAddress, { request }: Question<unknown>): Promise<Connection> {
    const { connect, timing, onState, rotation } = this.#context;
    onState({ type: "connecting", master });
    const { signal } = this.#over;
    const connection = await SecureConnection.connect(master, { ...connect, timing, signal });
    this.#connection = connection;
    this.#openedAt = timing.now();
    rotation.prefer(master);
    const { remoteKey: key, remoteIp: ip } = connection;
    onState({ type: "connected", master, key, ip });
    if (this.#user !== undefined && request.type !== "login") {
      await this.#loginAgain(connection, this.#user);
    }
    return connection;
  }

  async #loginAgain(connection: Connection, user: string): Promise<void> {
    try {
      await this.#askOn(connection, loginOf(user));
    } catch (reason) {
      const error = connectionError(connection.master, reason);
      if (isTransient(error)) throw error;
      this.#loseLogin(error);
    }
  }

  #loseLogin(error: ClientError): void {
    this.#user = undefined;
    this.#context.onLoginLost(error);
  }

  async #stayPresent(): Promise<void> {
    const { timing, rotation, onState } = this.#context;
    const { signal } = this.#over;
    let error: ClientError | undefined;
    while (!signal.aborted) {
      if (this.#connection) error = await this.#whenLost(this.#connection) ?? error;
      const { waitMs } = rotation.next();
      if (error && !signal.aborted) {
        onState({ type: "waiting", seconds: waitMs / 1000, reason: error.message, error });
      }
      await timing.sleep(waitMs, signal);
      // A request may have come first; it brought the user along.
      if (signal.aborted || this.#connection?.isOpen) continue;
      if (this.#user === undefined) break;
      error = await this.#comeBack(this.#user);
    }
    this.#presence = undefined;
  }

  /** Why a user could not be made present again, when that was so. */
  async #comeBack(user: string): Promise<ClientError | undefined> {
    try {
      await this.ask(loginOf(user));
    } catch (error) {
      if (!(error instanceof ClientError)) throw error;
      if (!isTransient(error)) this.#loseLogin(error);
      return error;
    }
    return undefined;
  }

  async #whenLost(connection: Connection): Promise<ClientError | undefined> {
    const { timing, rotation } = this.#context;
    const error = await connection.closed;
    if (timing.now() - this.#openedAt >= LASTING_MS) rotation.lost(connection.master);
    else rotation.failed(connection.master);
    return error;
  }
}
