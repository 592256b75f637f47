//! Fields a person fills in: text, choice, switch, one of a few.

import type { ReactNode } from "react";
import {
  Button as AriaButton,
  FieldError,
  Input,
  Label,
  ListBox,
  ListBoxItem,
  Popover,
  Radio,
  RadioGroup,
  Select,
  SelectValue,
  Switch,
  Text,
  TextField,
} from "react-aria-components";
import styles from "./Field.module.css";
import { Icon } from "./Icon";

interface TextProps {
  label: string;
  value: string;
  onChange: (value: string) => void;
  placeholder?: string;
  hint?: string | undefined;
  /** What is wrong with it, if anything. */
  problem?: string | undefined;
  secret?: boolean;
  mono?: boolean;
  maxLength?: number;
  name?: string;
}

/** A line of text. */
export function TextInput({
  label,
  value,
  onChange,
  placeholder,
  hint,
  problem,
  secret,
  mono,
  maxLength,
  name,
}: TextProps) {
  return (
    <TextField
      className={styles.field ?? ""}
      value={value}
      onChange={onChange}
      isInvalid={problem !== undefined}
      type={secret ? "password" : "text"}
      autoComplete="off"
      {...(name === undefined ? {} : { name })}
      {...(maxLength === undefined ? {} : { maxLength })}
    >
      <Label className={styles.label ?? ""}>{label}</Label>
      <Input
        className={styles.input ?? ""}
        placeholder={placeholder ?? ""}
        data-mono={mono || undefined}
        spellCheck={false}
      />
      {hint && problem === undefined && (
        <Text slot="description" className={styles.hint ?? ""}>
          {hint}
        </Text>
      )}
      <FieldError className={styles.problem ?? ""}>{problem}</FieldError>
    </TextField>
  );
}

/** One thing that can be chosen. */
export interface Option {
  id: string;
  label: string;
}

interface ChoiceProps {
  label: string;
  /** The label is for screen readers only. */
  quiet?: boolean;
  options: readonly Option[];
  value: string;
  onChange: (id: string) => void;
  disabled?: boolean;
  small?: boolean;
}

/** One of a list that opens. */
export function Choice({
  label,
  quiet = false,
  options,
  value,
  onChange,
  disabled = false,
  small = false,
}: ChoiceProps) {
  return (
    <Select
      className={styles.field ?? ""}
      value={value}
      onChange={(key) => {
        if (key !== null) onChange(String(key));
      }}
      isDisabled={disabled}
      {...(quiet ? { "aria-label": label } : {})}
    >
      {!quiet && <Label className={styles.label ?? ""}>{label}</Label>}
      <AriaButton className={styles.select ?? ""} data-small={small || undefined}>
        <SelectValue className={styles.selectValue ?? ""} />
        <Icon name="down" size={16} />
      </AriaButton>
      <Popover className={styles.list ?? ""} offset={4}>
        <ListBox items={options}>
          {(option) => (
            <ListBoxItem id={option.id} textValue={option.label} className={styles.option ?? ""}>
              {({ isSelected }) => (
                <>
                  <span>{option.label}</span>
                  {isSelected && <Icon name="check" size={16} />}
                </>
              )}
            </ListBoxItem>
          )}
        </ListBox>
      </Popover>
    </Select>
  );
}

interface ToggleProps {
  label: ReactNode;
  hint?: string;
  on: boolean;
  onChange: (on: boolean) => void;
  disabled?: boolean;
  /** Name for screen readers, where `label` is empty. */
  name?: string;
}

/** On or off. */
export function Toggle({ label, hint, on, onChange, disabled = false, name }: ToggleProps) {
  return (
    <Switch
      className={styles.toggle ?? ""}
      isSelected={on}
      onChange={onChange}
      isDisabled={disabled}
      {...(name === undefined ? {} : { "aria-label": name })}
    >
      {label !== null && (
        <span className={styles.toggleWords}>
          <span>{label}</span>
          {hint && <span className={styles.hint}>{hint}</span>}
        </span>
      )}
      <span className={styles.track} aria-hidden="true">
        <span className={styles.knob} />
      </span>
    </Switch>
  );
}

interface SegmentsProps {
  label: string;
  hint?: string;
  options: readonly Option[];
  value: string;
  onChange: (id: string) => void;
}

/** One of a few, all in sight. */
export function Segments({ label, hint, options, value, onChange }: SegmentsProps) {
  return (
    <RadioGroup className={styles.field ?? ""} value={value} onChange={onChange} orientation="horizontal">
      <Label className={styles.label ?? ""}>{label}</Label>
      <div className={styles.segments}>
        {options.map((option) => (
          <Radio key={option.id} value={option.id} className={styles.segment ?? ""}>
            {option.label}
          </Radio>
        ))}
      </div>
      {hint && (
        <Text slot="description" className={styles.hint ?? ""}>
          {hint}
        </Text>
      )}
    </RadioGroup>
  );
}
